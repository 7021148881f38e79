#include "base/text.hpp"
#include "state/routines.hpp"

#include <gtest/gtest.h>

namespace state {
namespace {

const world::TimePoint now = base::parse_time("2026-11-21T12:00:00.250Z").value();

TEST(Routines, RoundTrip) {
  RoutineRecord record{.name = "backup", .since = now};
  EXPECT_EQ(to_json(routine_from_json(to_json(record)).value()), to_json(record));
  record.planned = record.began = record.ended = record.last_success = now;
  record.outcome = RoutineOutcome::skipped;
  record.detail = "o-1 is in progress";
  record.status = 11;
  record.failures = 3;
  record.successes_all = 7;
  EXPECT_EQ(to_json(routine_from_json(to_json(record)).value()), to_json(record));
  const LastBackup backup{
      .at = now, .point = "p-1", .location = "/x", .bytes = 5, .has_copy = true};
  EXPECT_EQ(to_json(last_backup_from_json(to_json(backup)).value()), to_json(backup));
  const LastArchive archive{.at = now,
                            .path = "/kept/km-backup-1.tgz",
                            .bytes = 5,
                            .entries = 2,
                            .torn = 1,
                            .prune_problem = "not permitted"};
  EXPECT_EQ(to_json(last_archive_from_json(to_json(archive)).value()), to_json(archive));
  const ArchiveNote note{.at = now, .archive = "km-backup-1.tgz"};
  EXPECT_EQ(to_json(archive_note_from_json(to_json(note)).value()), to_json(note));
  EXPECT_FALSE(archive_note_from_json("{\"format\": 1}"));
}

TEST(Routines, DrillRoundTrip) {
  const LastDrill drill{.at = world::TimePoint{std::chrono::seconds{1'700'000'000}},
                        .point = "p-1",
                        .location = "/srv/backup",
                        .bytes = 12,
                        .took_ms = 345};
  const auto read = last_drill_from_json(to_json(drill));
  ASSERT_TRUE(read);
  EXPECT_EQ(read.value().at, drill.at);
  EXPECT_EQ(read.value().point, drill.point);
  EXPECT_EQ(read.value().location, drill.location);
  EXPECT_EQ(read.value().bytes, drill.bytes);
  EXPECT_EQ(read.value().took_ms, drill.took_ms);
  EXPECT_FALSE(last_drill_from_json("{\"format\":1}"));
}

TEST(Routines, WhatIsNotWholeIsRefused) {
  const std::string whole = to_json(RoutineRecord{.name = "backup", .since = now});
  for (const char* key : {"\"name\"", "\"since\"", "\"outcome\"", "\"failures\"", "\"format\""}) {
    std::string text = whole;
    text.replace(text.find(key) + 1, 1, "x");
    const auto read = routine_from_json(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().kind, base::ErrorKind::corrupt) << text;
  }
  std::string newer = whole;
  newer.replace(newer.find("\"format\": 1"), 11, "\"format\": 2");
  EXPECT_EQ(routine_from_json(newer).error().kind, base::ErrorKind::too_new);
  EXPECT_FALSE(routine_from_json(""));
  EXPECT_FALSE(last_backup_from_json("[]"));
}

} // namespace
} // namespace state
