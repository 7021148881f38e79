#include "judge/judge.hpp"
#include "judge/placebo.hpp"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

namespace judge {
namespace {

constexpr std::int64_t minute = 60'000;

// One request every 3 s: `before` for 30 min up to 0, `after` for 15 min from there.
Case steady(double before_ms = 100, double after_ms = 100) {
  Case readings;
  for (std::int64_t at = -30 * minute; at < 0; at += 3000)
    readings.before.push_back({at, "web", Answer::ok, before_ms, {}});
  for (std::int64_t at = 0; at < 15 * minute; at += 3000)
    readings.after.push_back({at, "web", Answer::ok, after_ms, {}});
  return readings;
}

// A history in which the median moved by so much.
Placebo history(std::vector<double> shifts, std::int64_t hours = 48) {
  return {Measure::latency, "web", std::move(shifts), hours * 60 * minute};
}

const Finding& find(const Judgement& judgement, Measure measure) {
  return *std::ranges::find(judgement.findings, measure, &Finding::measure);
}

void fail_every(std::vector<Reading>& readings, std::size_t each, std::size_t from = 0) {
  for (std::size_t i = from; i < readings.size(); i += each)
    readings[i].answer = Answer::failed;
}

TEST(judge, finds_nothing_where_nothing_changed) {
  const Judgement judgement = judge_at(steady(), Policy{}, 3);
  EXPECT_EQ(judgement.verdict, Verdict::no_worse);
  const Finding& latency = find(judgement, Measure::latency);
  EXPECT_EQ(latency.count_before, 600);
  EXPECT_EQ(latency.count_after, 200); // 10 of the 15 minutes
  EXPECT_NEAR(*latency.limit, 150, 1e-9);
}

TEST(judge, calls_errors_worse_only_with_enough_of_them) {
  Case readings = steady();
  fail_every(readings.after, 50); // 6 of 300: p = 0.0013
  EXPECT_EQ(find(judge_at(readings, Policy{}, 3), Measure::errors).verdict, Verdict::no_worse);
  readings.after[7].answer = Answer::failed; // the 7th: p = 0.0004
  const Judgement judgement = judge_at(readings, Policy{}, 3);
  EXPECT_EQ(judgement.verdict, Verdict::worse);
  const Finding& finding = find(judgement, Measure::errors);
  EXPECT_NEAR(*finding.p_max, 0.001, 1e-12);
  EXPECT_NEAR(*finding.limit, 7.0 / 300, 1e-12);
  EXPECT_EQ(finding.why,
            "7 of 300 failed, 0 of 600 before (p 0.000436, limit 0.001; worse from 7 on)");
}

TEST(judge, wants_twice_the_share_of_before) {
  Case readings = steady();
  fail_every(readings.before, 10); // 60 of 600
  fail_every(readings.after, 6);
  fail_every(readings.after, 60, 1); // with them 55 of 300: Fisher would agree
  const Finding finding = find(judge_at(readings, Policy{}, 3), Measure::errors);
  EXPECT_LT(*finding.p, *finding.p_max);
  EXPECT_EQ(finding.verdict, Verdict::no_worse);
  EXPECT_NEAR(*finding.limit, 60.0 / 300, 1e-12);
  fail_every(readings.after, 4);
  EXPECT_EQ(find(judge_at(readings, Policy{}, 3), Measure::errors).verdict, Verdict::worse);
}

TEST(judge, forgives_one_hiccup) {
  Case readings = steady();
  for (std::size_t i = 100; i < 115; ++i) // 45 s: in two minutes of the fifteen at most
    readings.after[i].answer = Answer::failed;
  const Finding finding = find(judge_at(readings, Policy{}, 3), Measure::errors);
  EXPECT_EQ(finding.verdict, Verdict::no_worse);
  EXPECT_TRUE(finding.why.ends_with("a hiccup")) << finding.why;
}

TEST(judge, looks_at_what_came_before_the_look_only) {
  Case readings = steady();
  fail_every(readings.after, 5, 100); // all after the first look, which is at 5 min
  EXPECT_EQ(judge_at(readings, Policy{}, 1).verdict, Verdict::no_worse);
  EXPECT_EQ(judge_at(readings, Policy{}, 2).verdict, Verdict::worse);
  EXPECT_EQ(look_at_ms(Policy{}, 2), 10 * minute);
}

TEST(judge, an_invariant_needs_no_look) {
  Case readings = steady();
  readings.after.resize(20);
  EXPECT_EQ(judge_invariants(readings).verdict, Verdict::inconclusive);
  for (std::size_t i = 12; i < 20; ++i)
    readings.after[i].answer = Answer::failed;
  const Judgement judgement = judge_invariants(readings);
  EXPECT_EQ(judgement.verdict, Verdict::worse);
  EXPECT_EQ(judgement.findings[0].why,
            "8 of 10 of the last answers failed, and 0 of 600 before the change");
}

TEST(judge, does_not_blame_the_new_release_for_what_failed_before) {
  Case readings = steady();
  fail_every(readings.before, 1);
  fail_every(readings.after, 1);
  EXPECT_EQ(judge_invariants(readings).verdict, Verdict::inconclusive);
  EXPECT_NE(judge_at(readings, Policy{}, 3).verdict, Verdict::worse);
}

TEST(judge, a_rise_must_exceed_the_services_own_noise) {
  Case readings = steady(100, 200);
  readings.placebos = {history({-0.1, 0.0, 0.1, std::log(1.6)})};
  const Finding worse = find(judge_at(readings, Policy{}, 3), Measure::latency);
  EXPECT_EQ(worse.verdict, Verdict::worse);
  EXPECT_NEAR(*worse.limit, 160, 1e-9);
  EXPECT_EQ(worse.why, "200 ms after, 100 ms before, limit 160 ms; moved less at 100 % of 4 quiet "
                       "moments");
  readings.placebos = {history({-0.1, 0.0, 0.1, std::log(1.9)})};
  EXPECT_EQ(find(judge_at(readings, Policy{}, 3), Measure::latency).verdict, Verdict::worse);
  readings.placebos = {history({-0.1, 0.0, 0.1, std::log(2.5)})};
  EXPECT_EQ(find(judge_at(readings, Policy{}, 3), Measure::latency).verdict,
            Verdict::inconclusive); // a doubling would hide in it
}

TEST(judge, a_rise_without_history_is_inconclusive) {
  Case readings = steady(100, 200);
  EXPECT_EQ(judge_at(readings, Policy{}, 3).verdict, Verdict::inconclusive);
  readings.placebos = {history({0.0, 0.1}, 23)}; // an hour short
  EXPECT_EQ(judge_at(readings, Policy{}, 3).verdict, Verdict::inconclusive);
  EXPECT_EQ(judge_at(steady(100, 149), Policy{}, 3).verdict, Verdict::no_worse);
}

TEST(judge, what_moved_must_have_stayed) {
  Case readings = steady(100, 300);
  readings.placebos = {history({0.0, 0.1})};
  for (Reading& reading : readings.after) // 5 to 10 min: three times; then as before
    if (reading.at_ms >= 10 * minute)
      reading.latency_ms = 110;
  const Finding finding = find(judge_at(readings, Policy{}, 3), Measure::latency);
  EXPECT_EQ(finding.verdict, Verdict::no_worse);
  // The mean of log 300 and log 110, less 0.85 of what fell: far below what it fell to.
  EXPECT_NEAR(finding.after, std::sqrt(300.0 * 110) * std::pow(110.0 / 300, 0.85), 1e-9);
}

// "web" answers in 50 ms, "api" in 200: the usual request in 100. Both before and after.
TEST(judge, weighs_several_requests_together_and_one_of_them_with_more_care) {
  Case readings = steady();
  const auto mix = [](std::vector<Reading>& all, double web, double api) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i].request = i % 2 == 0 ? "web" : "api";
      all[i].latency_ms = i % 2 == 0 ? web : api;
    }
  };
  mix(readings.before, 50, 200);
  mix(readings.after, 80, 320);
  for (const char* request : {"", "web", "api"})
    readings.placebos.push_back({Measure::latency, request, {0.0, 0.1}, 48 * 60 * minute});
  const Judgement both = judge_at(readings, Policy{}, 3);
  EXPECT_EQ(both.verdict, Verdict::worse);
  EXPECT_EQ(find(both, Measure::latency).request, "");
  EXPECT_NEAR(find(both, Measure::latency).before, 100, 1e-9);
  EXPECT_NEAR(find(both, Measure::latency).after, 160, 1e-9);
  EXPECT_EQ(std::ranges::count(both.findings, Verdict::worse, &Finding::verdict), 1);
  mix(readings.after, 50, 380); // one alone: not from 1.5, but from 2 on
  EXPECT_EQ(judge_at(readings, Policy{}, 3).verdict, Verdict::no_worse);
  mix(readings.after, 50, 420);
  EXPECT_EQ(judge_at(readings, Policy{}, 3).verdict, Verdict::worse);
}

TEST(judge, a_few_milliseconds_are_never_worse) {
  Case readings = steady(2, 6);
  readings.placebos = {history({0.0, 0.1})};
  EXPECT_EQ(judge_at(readings, Policy{}, 3).verdict, Verdict::no_worse);
}

TEST(judge, no_data_is_neither_good_nor_bad) {
  Case readings = steady();
  for (std::size_t i = 0; i < readings.after.size(); ++i)
    if (i % 3 != 0)
      readings.after[i].answer = Answer::unknown;
  EXPECT_EQ(judge_at(readings, Policy{}, 3).verdict, Verdict::inconclusive);
  readings.after.clear();
  EXPECT_EQ(judge_at(readings, Policy{}, 3).verdict, Verdict::inconclusive);
  EXPECT_EQ(judge_at(Case{}, Policy{}, 3).verdict, Verdict::inconclusive);
}

TEST(judge, a_number_that_must_not_grow_is_weighed_like_latency) {
  Case readings = steady();
  for (Reading& reading : readings.before)
    reading.number = 4;
  for (Reading& reading : readings.after)
    reading.number = 40;
  Policy policy;
  policy.numbers = {"web"};
  readings.placebos = {history({0.0}), {Measure::number, "web", {-1, 0, 3}, 48 * 60 * minute}};
  const Finding finding = find(judge_at(readings, policy, 3), Measure::number);
  EXPECT_EQ(finding.verdict, Verdict::worse);
  EXPECT_NEAR(*finding.limit, 7, 1e-9); // 4 before, and it moved by 3 once
}

TEST(placebo, asks_every_moment_of_the_history) {
  std::vector<Reading> quiet;
  for (std::int64_t at = 0; at < 120 * minute; at += 3000)
    quiet.push_back({at, "web", Answer::ok, at < 60 * minute ? 100.0 : 150.0, {}});
  const auto placebos = make_placebos({quiet}, Policy{});
  ASSERT_EQ(placebos.size(), 1U);
  EXPECT_EQ(placebos[0].span_ms, 120 * minute - 3000);
  // Each 3 min from 30 min on, as long as 15 min follow.
  EXPECT_EQ(placebos[0].shifts.size(), 25U);
  EXPECT_NEAR(placebos[0].shifts.front(), 0, 1e-9);
  EXPECT_NEAR(placebos[0].shifts.back(), std::log(1.5), 1e-9);
}

TEST(placebo, a_hole_does_not_make_history_longer) {
  std::vector<Reading> quiet;
  for (std::int64_t at = 0; at < 60 * minute; at += 3000)
    quiet.push_back({at + (at < 30 * minute ? 0 : 600 * minute), "web", Answer::ok, 100, {}});
  EXPECT_EQ(make_placebos({quiet}, Policy{})[0].span_ms, 60 * minute - 6000);
}

} // namespace
} // namespace judge
