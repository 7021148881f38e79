// Which snapshots are kept by the calendar, grouped and meant.
#include "repo/retention.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace repo {
namespace {

using Words = std::vector<std::string>;

format::Snapshot snapshot_at(const std::string& time) {
  format::Snapshot made{.time = format::parse_time(time).value(), .paths = {"/a"}};
  made.id = format::id_of(time);
  return made;
}

Words times_kept(const Policy& policy, const Words& times) {
  std::vector<format::Snapshot> all;
  for (const std::string& time : times)
    all.push_back(snapshot_at(time));
  Words kept;
  const auto groups = decide(all, policy);
  for (const Decision& each : groups.front())
    if (each.is_kept)
      kept.push_back(format_time(each.snapshot.time).substr(0, 13));
  return kept;
}

TEST(within, is_read_as_restic_writes_it) {
  const auto all = parse_within("1y5m7d2h");
  ASSERT_TRUE(all);
  EXPECT_EQ(all.value(), (Within{1, 5, 7, std::chrono::hours{2}}));
  EXPECT_EQ(parse_within("6m").value(), (Within{.months = 6})) << "no minutes";
  EXPECT_EQ(parse_within("36h").value(), (Within{.rest = std::chrono::hours{36}}));
  for (const char* wrong :
       {"", "0d", "5", "5s", "5min", "2h1d", "1d1d", "-1d", "d", "99999999999d"})
    EXPECT_FALSE(parse_within(wrong)) << wrong;
}

TEST(within, goes_by_the_calendar) {
  const Words times{"2025-03-31T11:00:00Z", "2025-03-31T12:00:00Z", "2025-03-31T13:00:00Z",
                    "2026-02-28T12:00:00Z", "2026-03-01T12:00:00Z", "2026-03-31T12:00:00Z"};
  EXPECT_EQ(times_kept({.within = {.years = 1}}, times),
            (Words{"2025-03-31T13", "2026-02-28T12", "2026-03-01T12", "2026-03-31T12"}));
  // February has no 31st: three days later it is.
  EXPECT_EQ(times_kept({.within = {.months = 1}}, times), (Words{"2026-03-31T12"}));
  EXPECT_EQ(times_kept({.within = {.days = 30}}, times), (Words{"2026-03-31T12"}));
  EXPECT_EQ(times_kept({.within = {.days = 30, .rest = std::chrono::hours{1}}}, times),
            (Words{"2026-03-01T12", "2026-03-31T12"}));
}

TEST(within, keeps_the_newest_of_each_period) {
  const Words times{"2026-01-01T08:00:00Z", "2026-01-02T08:00:00Z", "2026-01-02T09:00:00Z",
                    "2026-01-03T08:00:00Z", "2026-01-03T09:00:00Z"};
  EXPECT_EQ(times_kept({.within_daily = {.days = 2}}, times),
            (Words{"2026-01-02T09", "2026-01-03T09"}));
  EXPECT_EQ(times_kept({.within_yearly = {.days = 2}}, times), (Words{"2026-01-03T09"}));
  EXPECT_EQ(times_kept({.last = 1, .within_weekly = {.years = 1}}, times),
            (Words{"2026-01-03T09"}));
}

TEST(grouping, is_by_what_snapshots_have_in_common) {
  auto first = snapshot_at("2026-01-01T08:00:00Z");
  auto second = snapshot_at("2026-01-02T08:00:00Z");
  second.tags = {"nightly"};
  auto third = snapshot_at("2026-01-03T08:00:00Z");
  third.host = "other";
  const std::vector<format::Snapshot> all{first, second, third};
  const auto groups = [&](const char* by) {
    return decide(all, {.last = 1}, parse_grouping(by).value()).size();
  };
  EXPECT_EQ(groups("host,paths"), 2U);
  EXPECT_EQ(groups("tags"), 2U);
  EXPECT_EQ(groups("host,paths,tags"), 3U);
  EXPECT_EQ(groups("paths"), 1U);
  EXPECT_EQ(groups(""), 1U);
  EXPECT_FALSE(parse_grouping("hots"));
  EXPECT_FALSE(parse_grouping("host,"));
}

TEST(filter, means_those_of_host_paths_and_tags) {
  auto one = snapshot_at("2026-01-01T08:00:00Z");
  one.host = "web";
  one.paths = {"/a", "/b"};
  one.tags = {"x", "y"};
  EXPECT_TRUE(matches({}, one));
  EXPECT_TRUE(matches({.hosts = {"db", "web"}, .paths = {"/b"}, .tags = {"z", "x,y"}}, one));
  EXPECT_FALSE(matches({.hosts = {"db"}}, one));
  EXPECT_FALSE(matches({.paths = {"/b", "/c"}}, one));
  EXPECT_FALSE(matches({.tags = {"x,z"}}, one));
  EXPECT_FALSE(matches({.tags = {""}}, one));
  one.tags.clear();
  EXPECT_TRUE(matches({.tags = {""}}, one));
}

} // namespace
} // namespace repo
