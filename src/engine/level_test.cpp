#include "engine/level.hpp"

#include <gtest/gtest.h>

namespace {

using domain::Evidence;
using domain::Level;
using domain::Movement;
using engine::decide_level;
using engine::LevelQuestion;

LevelQuestion after_the_new_release_ran(Movement files, Movement database) {
  LevelQuestion question;
  question.was_switched = true;
  question.could_write = true;
  question.evidence = {{"files", files, ""}, {"db", database, ""}};
  return question;
}

using Stores = std::vector<std::string>;

TEST(level, a_restart_is_enough_before_the_switch) {
  LevelQuestion question;
  EXPECT_EQ(decide_level(question).level, Level::restart);
}

TEST(level, data_stays_when_the_new_release_never_ran) {
  LevelQuestion question;
  question.was_switched = true;
  question.evidence = {{"files", Movement::layout, ""}};
  EXPECT_EQ(decide_level(question).level, Level::release);
  EXPECT_EQ(decide_level(question).stores, Stores{});
}

TEST(level, new_data_in_the_old_layout_stays) {
  const auto answer = decide_level(after_the_new_release_ran(Movement::data_only, Movement::none));
  EXPECT_EQ(answer.level, Level::release);
  EXPECT_EQ(answer.stores, Stores{});
}

TEST(level, a_moved_layout_takes_every_store_that_moved_back) {
  const auto answer =
      decide_level(after_the_new_release_ran(Movement::layout, Movement::data_only));
  EXPECT_EQ(answer.level, Level::data);
  EXPECT_EQ(answer.stores, (Stores{"files", "db"})); // one alone would be a mixture of two times
}

TEST(level, a_store_that_did_not_move_stays_at_level_data) {
  const auto answer = decide_level(after_the_new_release_ran(Movement::layout, Movement::none));
  EXPECT_EQ(answer.stores, Stores{"files"});
}

TEST(level, unreadable_is_never_did_not_move) {
  EXPECT_EQ(decide_level(after_the_new_release_ran(Movement::none, Movement::unreadable)).level,
            Level::data);
}

TEST(level, full_takes_all) {
  auto question = after_the_new_release_ran(Movement::none, Movement::none);
  question.asked = Level::full;
  EXPECT_EQ(decide_level(question).stores, (Stores{"files", "db"}));
}

TEST(level, an_escalation_raises_what_evidence_said) {
  auto question = after_the_new_release_ran(Movement::data_only, Movement::none);
  question.at_least = Level::data;
  const auto answer = decide_level(question);
  EXPECT_EQ(answer.level, Level::data);
  EXPECT_EQ(answer.stores, Stores{"files"});
}

// The database has new rows in the old schema, and its ledger has moved.
LevelQuestion after_a_migration() {
  auto question = after_the_new_release_ran(Movement::none, Movement::data_only);
  question.evidence[1].ledger_moved = "ledger schema_migrations went from 1 to 2";
  question.evidence[1].ledger = "ledger-2";
  question.evidence[1].layout = "schema-1";
  return question;
}

TEST(level, a_ledger_that_moved_brings_the_data_back) {
  const auto answer = decide_level(after_a_migration());
  EXPECT_EQ(answer.level, Level::data);
  EXPECT_TRUE(answer.reasons.back().contains("ledger of store 'db'")) << answer.reasons.back();
}

TEST(level, a_trigger_does_not_send_the_release_alone_over_a_ledger_that_moved) {
  auto question = after_a_migration();
  question.asked = Level::release;
  EXPECT_EQ(decide_level(question).level, Level::data);
}

TEST(level, what_was_declared_compatible_stays_while_nothing_moved_besides) {
  auto question = after_a_migration();
  question.facts = {
      {.store = "db", .ledger = "ledger-2", .layout = "schema-1", .is_compatible = true}};
  EXPECT_EQ(decide_level(question).level, Level::release);
  question.facts[0].ledger = "ledger-1";
  EXPECT_EQ(decide_level(question).level, Level::data);
  question.facts[0].ledger = "ledger-2";
  question.facts[0].layout = "schema-0";
  EXPECT_EQ(decide_level(question).level, Level::data);
  question.is_vouched = true;
  EXPECT_EQ(decide_level(question).level, Level::release);
}

TEST(level, what_migrations_wrote_goes_back_when_the_new_release_never_ran) {
  auto question = after_the_new_release_ran(Movement::none, Movement::data_only);
  question.could_serve = false;
  EXPECT_EQ(decide_level(question).stores, Stores{"db"});
}

TEST(level, every_answer_gives_a_reason) {
  for (const auto movement : {Movement::none, Movement::data_only, Movement::layout})
    EXPECT_FALSE(decide_level(after_the_new_release_ran(movement, movement)).reasons.empty());
}

} // namespace
