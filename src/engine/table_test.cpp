#include "engine/table.hpp"

#include <set>

#include <gtest/gtest.h>

namespace {

using engine::is_end;
using engine::Row;
using engine::State;
using engine::table;

TEST(table, every_row_is_reached_and_leads_to_a_row_or_an_end) {
  std::set<State> reached{State::check, State::rollback_check};
  for (const Row& row : table())
    for (const State next : {row.on_success, row.on_failure})
      if (next != State::stay)
        reached.insert(next);
  for (const Row& row : table()) {
    EXPECT_TRUE(reached.contains(row.state)) << row.name;
    EXPECT_EQ(engine::state_named(row.name), row.state);
    EXPECT_GE(row.attempts, 1);
  }
}

TEST(table, nothing_that_was_touched_ends_without_a_verified_way_back) {
  for (State state = State::quiesce; state < State::tidy;
       state = static_cast<State>(static_cast<int>(state) + 1))
    EXPECT_EQ(engine::row_of(state).on_failure, State::hold) << engine::row_of(state).name;
  for (const Row& row : table())
    if (row.on_success == State::end_rolled_back) {
      EXPECT_EQ(row.state, State::settle);
    }
}

TEST(table, the_way_back_never_ends_in_a_failure_by_itself) {
  for (const Row& row : table())
    if (engine::is_way_back(row.state) && row.state != State::rollback_check) {
      EXPECT_TRUE(row.on_failure == State::stay || row.on_failure == State::escalate) << row.name;
    }
}

TEST(table, success_alone_always_leads_to_an_end) {
  for (const Row& first : table()) {
    State state = first.state;
    for (int step = 0; step < 30 && !is_end(state); ++step)
      state = engine::row_of(state).on_success;
    EXPECT_TRUE(is_end(state)) << first.name;
  }
}

} // namespace
