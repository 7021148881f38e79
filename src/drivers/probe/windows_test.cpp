#include "drivers/probe/windows.hpp"

#include <gtest/gtest.h>

namespace drivers::probe {
namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;

TEST(windows, tell_the_growth_of_the_window_only) {
  Windows windows;
  EXPECT_EQ(windows.add("p", 0s, 10s, {{"a", 100}}, {}).span, 0s);
  EXPECT_EQ(windows.add("p", 5s, 10s, {{"a", 150}}, {}).span, 5s);
  const Growth full = windows.add("p", 10s, 10s, {{"a", 160}}, {});
  EXPECT_EQ(full.span, 10s);
  EXPECT_EQ(full.part, 60);
  const Growth later = windows.add("p", 15s, 10s, {{"a", 161}}, {});
  EXPECT_EQ(later.span, 10s);
  EXPECT_EQ(later.part, 11);
}

TEST(windows, a_counter_that_fell_was_set_to_nothing_in_between) {
  Windows windows;
  windows.add("p", 0s, 4s, {{"a", 1000}, {"b", 5}}, {});
  windows.add("p", 2s, 4s, {{"a", 7}, {"b", 6}}, {});
  EXPECT_EQ(windows.add("p", 4s, 4s, {{"a", 9}, {"b", 6}}, {}).part, 10);
}

TEST(windows, a_series_that_appears_began_at_nothing) {
  Windows windows;
  windows.add("p", 0s, 1s, {}, {{"ok", 50}});
  const Growth full = windows.add("p", 1s, 1s, {{"error", 3}}, {{"ok", 97}, {"error", 3}});
  EXPECT_EQ(full.part, 3);
  EXPECT_EQ(full.whole, 50);
}

TEST(windows, keep_probes_apart_and_start_over) {
  Windows windows;
  windows.add("p", 0s, 1s, {{"a", 1}}, {});
  EXPECT_EQ(windows.add("q", 1s, 1s, {{"a", 9}}, {}).span, 0s);
  windows.start_over();
  EXPECT_EQ(windows.add("p", 9s, 1s, {{"a", 9}}, {}).span, 0s);
}

TEST(windows, stay_small_however_often_one_looks) {
  Windows windows;
  Growth growth;
  for (int at = 0; at <= 100'000; ++at)
    growth = windows.add("p", at * 1ms, 60s, {{"a", static_cast<double>(at)}}, {});
  EXPECT_NEAR(growth.part, 60'000, 100);
  EXPECT_GE(growth.span, 60s);
}

} // namespace
} // namespace drivers::probe
