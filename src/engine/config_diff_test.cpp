#include "engine/config_diff.hpp"

#include <gtest/gtest.h>

namespace {

state::ConfigFile file(const std::string& bytes, const std::string& digest) {
  state::ConfigFile one;
  one.copy = {.path = "/srv/.env", .exists = true, .mode = 0600, .sha256 = digest};
  one.bytes = bytes;
  return one;
}

using Lines = std::vector<std::string>;

TEST(config_diff, shows_lines_that_differ) {
  EXPECT_EQ(engine::diff_config({file("A=1\nB=2\n", "x")}, {file("A=1\nB=3\n", "y")}),
            (Lines{"config   .env: - B=2", "config   .env: + B=3"}));
}

TEST(config_diff, says_nothing_when_nothing_differs) {
  EXPECT_EQ(engine::diff_config({file("A=1\n", "x")}, {file("A=1\n", "x")}), Lines{});
}

TEST(config_diff, never_shows_a_secret) {
  const char* secrets[] = {
      "DB_PASSWORD=hunter2",        "api_token: abc",  "URL=postgres://me:hunter2@db/x",
      "X=4f6a9c1be27d4b0f8a77c1d2", "LICENSE=hunter2", "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5"};
  for (const char* secret : secrets) {
    const auto lines = engine::diff_config({file("", "x")}, {file(secret, "y")});
    ASSERT_FALSE(lines.empty());
    const std::string value =
        std::string{secret}.substr(std::string{secret}.find_first_of("=:") + 1);
    for (const std::string& line : lines)
      EXPECT_EQ(line.find(value), std::string::npos) << line;
  }
}

TEST(config_diff, is_bounded_and_printable) {
  std::string many;
  for (int line = 0; line < 500; ++line)
    many += "k" + std::to_string(line) + "=\x1b[31m\n";
  const auto lines = engine::diff_config({file("", "x")}, {file(many, "y")});
  EXPECT_LE(lines.size(), 41U);
  for (const std::string& line : lines)
    EXPECT_EQ(line.find('\x1b'), std::string::npos);
}

} // namespace
