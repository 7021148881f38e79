#include "os/unpack.hpp"

#include <gtest/gtest.h>

namespace {

using os::archive_link_problem;
using os::archive_name_problem;

TEST(archive_names, that_lead_out_are_refused) {
  for (const char* bad : {"", "/etc/passwd", "../x", "a/../../x", "a/..", "a\\..\\x"})
    EXPECT_NE(archive_name_problem(bad), "") << bad;
  for (const char* good : {"a", "./a", "a/b/c", "a..b", "...", "a/"})
    EXPECT_EQ(archive_name_problem(good), "") << good;
}

TEST(archive_names, links_that_lead_out_are_refused) {
  for (const char* bad : {"", "/etc", "../x", "../../x", "b/../../../x"})
    EXPECT_NE(archive_link_problem("l", bad), "") << bad;
  EXPECT_EQ(archive_link_problem("a/l", "../b"), "");
  EXPECT_EQ(archive_link_problem("l", "a/b"), "");
  EXPECT_NE(archive_link_problem("a/l", "../../b"), "");
}

// `x -> .` and then `y -> x/../secret`: as text it stays inside, on the disk it does not.
TEST(archive_names, a_link_through_another_link_is_refused) {
  EXPECT_NE(archive_link_problem("y", "x/../secret"), "");
}

} // namespace
