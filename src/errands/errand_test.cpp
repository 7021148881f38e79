#include "base/text.hpp"
#include "errands/call.hpp"
#include "errands/errand.hpp"

#include <gtest/gtest.h>

namespace errands {
namespace {

const world::TimePoint noon = base::parse_time("2026-11-21T12:00:00.000Z").value();

Errand planned() {
  return {.id = "o-1",
          .kind = "upgrade",
          .stack = "shop",
          .at = noon,
          .face = "mcp",
          .key = "",
          .asked = "",
          .expires = noon + std::chrono::minutes{15},
          .digest = "ab",
          .began = {},
          .process = world::ProcessId{7, 8, "boot"}};
}

TEST(Errand, IsReadAsItWasWritten) {
  const auto read = errand_from_json(to_json(planned()));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value().id, "o-1");
  EXPECT_EQ(read.value().expires, planned().expires);
  EXPECT_EQ(read.value().process, planned().process);
  EXPECT_FALSE(read.value().began);
}

TEST(Errand, OneThatIsHarmedOrNewerIsNotGuessed) {
  EXPECT_EQ(errand_from_json("{").error().kind, base::ErrorKind::corrupt);
  EXPECT_EQ(errand_from_json(R"({"format":1,"id":"../x","kind":"backup"})").error().kind,
            base::ErrorKind::corrupt);
  EXPECT_EQ(errand_from_json(R"({"format":2})").error().kind, base::ErrorKind::too_new);
}

TEST(Errand, TheLogTellsHowItWent) {
  ErrandView view{.errand = planned(), .stage = Stage::ended, .status = 3};
  take_log(view,
           "{\"event\":\"operation_begun\"}\nnoise\n{\"event\":\"step_begun\",\"step\":"
           "\"switch\"}\n{\"event\":\"ended\",\"outcome\":\"rolled_back\",\"why\":\"smoke\"}\n");
  EXPECT_TRUE(view.has_begun_operation);
  EXPECT_EQ(view.step, "switch");
  EXPECT_EQ(shown(view)["outcome"], "rolled_back");
  ErrandView died{.errand = planned(), .stage = Stage::ended};
  take_log(died, "{\"event\":\"operation_begun\"}\nbug: x\n");
  EXPECT_EQ(shown(died)["outcome"], "died");
  EXPECT_EQ(died.detail, "bug: x");
  EXPECT_FALSE(died.hint.empty());
}

TEST(Errand, NamesOfFoldersAreNames) {
  EXPECT_TRUE(is_id("o-20261121T023405.123Z-ab12"));
  for (const char* wrong : {"", ".", "..", ".a", "a/b", "--help", "a b", "a\n"})
    EXPECT_FALSE(is_id(wrong)) << wrong;
  EXPECT_FALSE(is_id(std::string(65, 'a')));
}

TEST(Call, WhatWasSaidIsToldApart) {
  const Said said = said_in("belay: warning\n{\"a\":1}\n{broken\n{\"event\":\"error\",\"message\":"
                            "\"m\",\"hint\":\"h\"}\n");
  ASSERT_EQ(said.lines.size(), 2U);
  EXPECT_EQ(error_of(said).message, "m");
  EXPECT_EQ(error_of(said).hint, "h");
  EXPECT_NE(said.words.find("{broken"), std::string::npos);
}

} // namespace
} // namespace errands
