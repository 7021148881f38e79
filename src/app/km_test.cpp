#include "app/km_archives.hpp"
#include "app/km_settings.hpp"
#include "base/text.hpp"

#include <gtest/gtest.h>

namespace app {
namespace {

using std::chrono_literals::operator""min;

std::string km_wrong(const config::Environment& environment) {
  const auto settings = km_settings(environment, "/work");
  return settings ? "" : settings.error().message;
}

TEST(KmSettings, DefaultsAreThoseOfThePlaybook) {
  const auto settings = km_settings({{"KM_STATE_PATH", "/srv/var"}}, "/work").value();
  EXPECT_EQ(settings.timing.cron, "");
  EXPECT_EQ(settings.timing.every, 720min);
  EXPECT_EQ(settings.keep, 7);
  EXPECT_EQ(settings.source, "/srv/var");
  EXPECT_EQ(settings.destination, "/srv/var/backups/archives");
  EXPECT_EQ(settings.script, "");
  EXPECT_EQ(km_settings({}, "/work").value().source, "/opt/knowledge/var");
}

TEST(KmSettings, CronComesBeforeTheIntervalAndEmptyIsUnset) {
  const auto settings = km_settings({{"KM_BACKUP_CRON", " 0 2 * * * "},
                                     {"KM_BACKUP_INTERVAL_MINUTES", "5"},
                                     {"KM_BACKUP_RETENTION_LIMIT", "0"},
                                     {"KM_STATE_PATH", "var"},
                                     {"KM_BACKUP_DEST_PATH", "../kept"},
                                     {"KM_BACKUP_SCRIPT", "bin/km-backup"}},
                                    "/work")
                            .value();
  EXPECT_EQ(settings.timing.cron, "0 2 * * *");
  EXPECT_EQ(settings.timing.zone, "UTC");
  EXPECT_EQ(settings.keep, 0);
  EXPECT_EQ(settings.source, "/work/var");
  EXPECT_EQ(settings.destination, "/kept");
  EXPECT_EQ(settings.script, "/work/bin/km-backup");
  const auto empty =
      km_settings({{"KM_BACKUP_CRON", ""}, {"KM_BACKUP_INTERVAL_MINUTES", "5"}}, "/work").value();
  EXPECT_EQ(empty.timing.every, 5min);
}

TEST(KmSettings, WhatIsWrongIsNamed) {
  EXPECT_EQ(km_wrong({{"KM_BACKUP_INTERVAL_MINUTES", "abc"}}),
            "KM_BACKUP_INTERVAL_MINUTES is 'abc', not a number from 1 to 527040");
  for (const char* number : {"0", "-1", "5m", "5 5", "99999999999999999999"})
    EXPECT_NE(km_wrong({{"KM_BACKUP_INTERVAL_MINUTES", number}}), "") << number;
  EXPECT_NE(km_wrong({{"KM_BACKUP_RETENTION_LIMIT", "seven"}}), "");
  EXPECT_TRUE(km_wrong({{"KM_BACKUP_CRON", "61 * * * *"}}).starts_with("KM_BACKUP_CRON: "));
  EXPECT_TRUE(km_wrong({{"KM_STATE_PATH", "/a"}, {"KM_BACKUP_DEST_PATH", "/a/"}})
                  .contains("KM_BACKUP_DEST_PATH"));
  EXPECT_NE(km_wrong({{"KM_STATE_PATH", "/"}}), "");
}

TEST(KmSettings, IsEnabledOnlyByAYes) {
  EXPECT_EQ(km_is_enabled({{"KM_STATE_PATH", "/a"}}).value(), std::nullopt);
  EXPECT_EQ(km_is_enabled({{"KM_BACKUP_ENABLED", ""}}).value(), std::nullopt);
  EXPECT_EQ(km_is_enabled({{"KM_BACKUP_CRON", "@daily"}}).value(), false);
  for (const char* yes : {"true", "True", "1", "on", "YES"})
    EXPECT_EQ(km_is_enabled({{"KM_BACKUP_ENABLED", yes}}).value(), true) << yes;
  EXPECT_EQ(km_is_enabled({{"KM_BACKUP_ENABLED", "off"}}).value(), false);
  EXPECT_FALSE(km_is_enabled({{"KM_BACKUP_ENABLED", "maybe"}}));
}

TEST(KmArchives, NamesAndTheirTimes) {
  const auto at = base::parse_time("2026-01-02T03:04:05.678Z").value();
  EXPECT_EQ(km_archive_name(at), "km-backup-20260102T030405.tgz");
  EXPECT_EQ(km_archive_time("km-backup-20260102T030405.tgz"),
            base::parse_time("2026-01-02T03:04:05.000Z").value());
  EXPECT_EQ(km_archive_time("km-backup-20260102T030405Z.tgz"),
            km_archive_time("km-backup-20260102T030405.tgz"));
  for (const char* none : {"km-backup-before-2.0.tgz", "km-backup-20261302T030405.tgz",
                           "km-backup-2026 102T030405.tgz", "backup-20260102T030405.tgz"})
    EXPECT_EQ(km_archive_time(none), std::nullopt) << none;
  EXPECT_TRUE(is_km_archive_name("km-backup-x.tgz"));
  for (const char* foreign : {"km-backup-.tgz", "km-backup-1.tar.gz", "backup-1.tgz",
                              "km-backup-1.tgz.part", ".km-backup-1.tgz", "km-backup-a/b.tgz"})
    EXPECT_FALSE(is_km_archive_name(foreign)) << foreign;
  EXPECT_TRUE(is_km_part_name(".km-backup-20260102T030405.tgz.part"));
  EXPECT_FALSE(is_km_part_name(".km-backup-mine.tgz.part"));
  EXPECT_FALSE(is_km_part_name("km-backup-20260102T030405.tgz"));
}

std::string km_removed(std::vector<std::string> names, std::uint64_t keep,
                       const std::string& written = "") {
  std::vector<KmArchive> archives;
  for (const std::string& name : names)
    archives.push_back({name, km_archive_time(name).value_or(world::TimePoint{})});
  return base::join(km_archives_to_remove(archives, keep, written), " ");
}

TEST(KmArchives, TheNewestStayAndForeignOnesAreIgnored) {
  const std::string a = "km-backup-20260101T000000.tgz";
  const std::string b = "km-backup-20260102T000000.tgz";
  const std::string c = "km-backup-20260103T000000.tgz";
  EXPECT_EQ(km_removed({a, b, c}, 3, c), "");
  EXPECT_EQ(km_removed({b, a, c}, 2, c), a);
  EXPECT_EQ(km_removed({a, b, c}, 1, c), b + " " + a);
  EXPECT_EQ(km_removed({a, b, c}, 0, c), "");
  EXPECT_EQ(km_removed({a, b, c}, 2, a), b); // the clock went back: what was just written stays
  EXPECT_EQ(km_removed({a, "backup-1.tgz", b, "km-backup-2.tar.gz", c}, 2, c), a);
  EXPECT_EQ(km_removed({a, "km-backup-before.tgz", c}, 2, c), "km-backup-before.tgz");
  EXPECT_EQ(km_removed({a, b}, 1, "elsewhere.tgz"), b + " " + a);
}

TEST(KmArchives, TheLastReportedPathCounts) {
  EXPECT_EQ(km_reported_path(""), "");
  EXPECT_EQ(km_reported_path("wrote /a\n"), "");
  EXPECT_EQ(km_reported_path("x\nBackup written to /a b.tgz\r\nbye\n"), "/a b.tgz");
  EXPECT_EQ(km_reported_path("Backup written to /a\nINFO Backup written to /b"), "/b");
}

} // namespace
} // namespace app
