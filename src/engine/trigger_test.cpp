#include "engine/trigger.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace {

using domain::TriggerRule;
using engine::Finding;
using engine::Holds;
using engine::judge_number;
using engine::KeptReading;

KeptReading before(double number) {
  return {"ops", "ok", "", number};
}

TEST(trigger, above_and_below_are_strict) {
  const TriggerRule above{.above = 200};
  EXPECT_EQ(judge_number(above, 200, nullptr).holds, Holds::no);
  EXPECT_EQ(judge_number(above, 200.5, nullptr).holds, Holds::yes);
  const TriggerRule below{.below = 15};
  EXPECT_EQ(judge_number(below, 15, nullptr).holds, Holds::no);
  EXPECT_EQ(judge_number(below, 14, nullptr).holds, Holds::yes);
}

TEST(trigger, growth_is_told_from_the_baseline) {
  const TriggerRule rule{.growth = 10};
  const KeptReading baseline = before(100);
  EXPECT_EQ(judge_number(rule, 110, &baseline).holds, Holds::no);
  const Finding found = judge_number(rule, 111, &baseline);
  EXPECT_EQ(found.holds, Holds::yes);
  EXPECT_EQ(found.text, "111 is 11 more than the 100 of the baseline (limit 10)");
  EXPECT_EQ(judge_number(rule, 90, &baseline).holds, Holds::no);
}

// What is over its threshold already is not the new release's fault.
TEST(trigger, all_conditions_must_hold) {
  const TriggerRule rule{.above = 200, .growth = 0};
  const KeptReading high = before(250);
  EXPECT_EQ(judge_number(rule, 250, &high).holds, Holds::no);
  EXPECT_EQ(judge_number(rule, 251, &high).holds, Holds::yes);
  const KeptReading low = before(10);
  EXPECT_EQ(judge_number(rule, 200, &low).holds, Holds::no);
}

TEST(trigger, a_share_of_growth_works_from_zero_too) {
  const TriggerRule rule{.growth = 5, .growth_percent = 50};
  const KeptReading nothing = before(0);
  EXPECT_EQ(judge_number(rule, 5, &nothing).holds, Holds::no);
  EXPECT_EQ(judge_number(rule, 6, &nothing).holds, Holds::yes);
  const KeptReading many = before(100);
  EXPECT_EQ(judge_number(rule, 150, &many).holds, Holds::no);
  EXPECT_EQ(judge_number(rule, 151, &many).holds, Holds::yes);
  const KeptReading debt = before(-100);
  EXPECT_EQ(judge_number(rule, -60, &debt).holds, Holds::no);
  EXPECT_EQ(judge_number(rule, -40, &debt).holds, Holds::yes);
}

TEST(trigger, without_a_number_or_a_baseline_nothing_can_be_said) {
  const TriggerRule above{.above = 1};
  EXPECT_EQ(judge_number(above, std::nullopt, nullptr).holds, Holds::unknown);
  EXPECT_EQ(judge_number(above, std::numeric_limits<double>::quiet_NaN(), nullptr).holds,
            Holds::unknown);
  const TriggerRule growth{.growth = 1};
  EXPECT_EQ(judge_number(growth, 7, nullptr).holds, Holds::unknown);
  const KeptReading numberless{"ops", "bad", "", std::nullopt};
  EXPECT_EQ(judge_number(growth, 7, &numberless).holds, Holds::unknown);
}

TEST(trigger, the_baseline_must_hold_the_number_of_a_rule_or_a_bound) {
  domain::Stack stack;
  stack.checks = {{.probe = {.name = "bounded"}, .max = 3}, {.probe = {.name = "plain"}}};
  stack.triggers = {{.name = "t", .probe = "plain", .failing_for = domain::Milliseconds{1}}};
  EXPECT_TRUE(engine::wants_number(stack, "bounded"));
  EXPECT_FALSE(engine::wants_number(stack, "plain"));
  stack.triggers.push_back({.name = "u", .probe = "plain", .below = 1});
  EXPECT_TRUE(engine::wants_number(stack, "plain"));
  stack.checks.push_back({.probe = {.name = "queue", .kind = domain::ProbeKind::metric}});
  EXPECT_TRUE(engine::wants_number(stack, "queue"));
}

TEST(trigger, numbers_are_written_as_people_write_them) {
  EXPECT_EQ(engine::number_text(1250000), "1250000");
  EXPECT_EQ(engine::number_text(0.05), "0.05");
  EXPECT_EQ(engine::number_text(-3), "-3");
}

} // namespace
