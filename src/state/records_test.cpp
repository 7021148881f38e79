#include "state/records.hpp"
#include "state/rehearsal.hpp"

#include <cstdio>
#include <memory>

#include <gtest/gtest.h>

namespace {

using base::ErrorKind;

// Read with stdio: tests may look at the real disk, the code under test may not.
std::string golden(const std::string& name) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{
      std::fopen((std::string{GOLDEN_FOLDER} + "/" + name).c_str(), "rb"), &std::fclose};
  std::string text(1U << 16U, '\0');
  text.resize(file ? std::fread(text.data(), 1, text.size(), file.get()) : 0);
  return text;
}

state::Generation generation() {
  return {
      .number = 3,
      .stack = "shop",
      .at = "2026-11-21T02:34:05.123Z",
      .label = "2.1.0",
      .operation = "o-1",
      .point = "p-1",
      .releases = {{"web", "2.1.0", "/srv/releases/2.1.0", "ab12"}},
      .config = {{"/srv/.env", true, 0640, 1000, 1001, "cd34"}, {"/srv/gone", false, 0, 0, 0, ""}}};
}

state::RestorePoint point() {
  return {.id = "p-1",
          .stack = "shop",
          .at = "2026-11-21T02:34:05.123Z",
          .operation = "o-1",
          .generation = 2,
          .label = "2.0.0",
          .releases = generation().releases,
          .config = generation().config,
          .snapshots = {{"files", "/srv/.belay-files/p-1/tree", "ef56", 12, 3456, true}},
          .given_up = {"files"},
          .note = "note"};
}

// The first release wrote these files; every later one must read them for ever.
TEST(records, golden_generation_of_version_1_is_read) {
  EXPECT_EQ(state::to_json(generation()), golden("generation-1/generation.json"));
  const auto read = state::generation_from_json(golden("generation-1/generation.json"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value(), generation());
}

TEST(records, golden_rehearsal_of_version_1_is_read) {
  const state::RehearsalRecord record{.at = "2026-11-21T02:34:05.123Z",
                                      .to = "2.1.0",
                                      .point = "p-1",
                                      .basis = "ab12",
                                      .has_passed = true,
                                      .stores = {{"db", 3456, 70, 12, 2, "cd34"}}};
  EXPECT_EQ(state::to_json(record), golden("rehearsal-1/rehearsal.json"));
  const auto read = state::rehearsal_from_json(golden("rehearsal-1/rehearsal.json"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value(), record);
  for (const char* text : {"", "[]", "{}", R"({"rehearsal":1})", R"({"rehearsal":"1"})"})
    EXPECT_EQ(state::rehearsal_from_json(text).error().kind, ErrorKind::corrupt) << text;
  EXPECT_EQ(state::rehearsal_from_json(R"({"rehearsal":2})").error().kind, ErrorKind::too_new);
}

TEST(records, golden_restore_point_of_version_1_is_read) {
  EXPECT_EQ(state::to_json(point()), golden("restore_point-1/restore_point.json"));
  const auto read = state::point_from_json(golden("restore_point-1/restore_point.json"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value(), point());
}

TEST(records, golden_plan_of_version_1_is_read) {
  const auto read = state::plan_from_json(golden("plan-1/plan.json"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value().kind, state::OperationKind::rollback);
  EXPECT_EQ(read.value().level, domain::Level::data);
  EXPECT_EQ(state::to_json(read.value()), golden("plan-1/plan.json"));
}

TEST(records, a_newer_format_is_too_new_and_a_damaged_one_is_corrupt) {
  EXPECT_EQ(state::generation_from_json(R"({"generation":2})").error().kind, ErrorKind::too_new);
  for (const char* text : {"", "[]", "{}", R"({"generation":"1"})", R"({"generation":1})",
                           R"({"generation":1,"number":"three"})"})
    EXPECT_EQ(state::generation_from_json(text).error().kind, ErrorKind::corrupt) << text;
}

} // namespace
