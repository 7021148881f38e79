#include "engine/record.hpp"

#include <gtest/gtest.h>

namespace {

using engine::decode;
using engine::encode;
using engine::Record;
using engine::RecordEvent;

TEST(record, everything_is_read_back) {
  Record record;
  record.event = RecordEvent::failed;
  record.step = "watch";
  record.at = "2026-11-21T02:34:05.123Z";
  record.boot = "b";
  record.elapsed_ms = 12;
  record.text = "line\nwith \"quotes\" and \xff bytes";
  record.hint = "h";
  record.stays = true;
  record.detail = {"d1", "d2"};
  record.gates = {{"web.ready", "bad", "503", 1.5}};
  record.logs = {{"web", "last\nlines"}};
  record.baseline = {{{"web.ready", "ok", "200", std::nullopt}}};
  record.releases_to = {{{"web", "2", "/r/2", "abc"}}};
  record.snapshots = {{{"files", "/k", "d", 3, 4, true}}};
  record.level = domain::Level::data;
  record.stores = {{"files"}};
  record.abandoned = {{{.store = "files",
                        .kept = "/a",
                        .files = 1,
                        .bytes = 2,
                        .written_since = {{world::Difference::Kind::added, "x", 0, 9}},
                        .differences = 1}}};
  record.readings = "5ea1";
  const std::string line = encode(record);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto back = decode(line);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(encode(back.value()), line); // every field, for encode writes every field
  EXPECT_EQ(back.value().gates[0].number, 1.5);
  EXPECT_EQ(back.value().abandoned->at(0).written_since[0].path, "x");
}

TEST(record, what_is_not_a_record_is_corrupt) {
  for (const char* text : {"", "{}", "[]", "{\"event\":\"begin\"}", "{\"event\":7,\"at\":\"\"}",
                           "{\"event\":\"nonsense\",\"at\":\"x\"}",
                           "{\"event\":\"done\",\"at\":\"x\",\"detail\":[1]}"})
    EXPECT_EQ(decode(text).error().kind, base::ErrorKind::corrupt) << text;
}

TEST(record, unknown_fields_are_passed_over) {
  EXPECT_TRUE(decode(R"({"event":"begin","at":"x","step":"pin","later":{"a":1}})"));
}

} // namespace
