#include "base/pattern.hpp"

#include <gtest/gtest.h>

namespace {

using base::Pattern;

TEST(pattern, is_found_or_is_all_of_a_text) {
  const auto pattern = Pattern::compile("5..");
  ASSERT_TRUE(pattern);
  EXPECT_TRUE(pattern.value().is_found_in("status 503 again"));
  EXPECT_TRUE(pattern.value().is_all_of("503"));
  EXPECT_FALSE(pattern.value().is_all_of("1503"));
}

TEST(pattern, refuses_what_is_none) {
  for (const char* text : {"(", "a{2000}{2000}", "(?=x)", "(a)\\1"}) {
    const auto pattern = Pattern::compile(text);
    ASSERT_FALSE(pattern) << text;
    EXPECT_EQ(pattern.error().kind, base::ErrorKind::invalid_input);
  }
}

// A backtracking matcher would need longer than this machine lasts.
TEST(pattern, takes_no_more_time_than_the_text_is_long) {
  const auto pattern = Pattern::compile("^(a|aa)+$");
  ASSERT_TRUE(pattern);
  EXPECT_FALSE(pattern.value().is_found_in(std::string(100'000, 'a') + "b"));
}

} // namespace
