#include "base/text.hpp"
#include "schedule/cron.hpp"
#include "schedule/timing.hpp"

#include <gtest/gtest.h>

namespace schedule {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""min;

world::TimePoint at(const std::string& text) {
  return base::parse_time(text).value();
}

// The next `count` moments, in UTC to the minute.
std::string next(const std::string& cron, const std::string& after, int count = 1,
                 const std::string& zone = "UTC") {
  const auto parsed = parse_cron(cron);
  if (!parsed)
    return parsed.error().message;
  std::string all;
  auto moment = at(after);
  for (int i = 0; i < count; ++i) {
    const auto found = next_time(parsed.value(), zone, moment);
    if (!found)
      return all + "never";
    moment = *found;
    all += (i > 0 ? " " : "") + base::format_time(moment).substr(0, 16);
  }
  return all;
}

TEST(Cron, NextMoments) {
  const std::string now = "2026-11-21T18:50:30.000Z"; // a Saturday
  EXPECT_EQ(next("0 2 * * *", now, 2), "2026-11-22T02:00 2026-11-23T02:00");
  EXPECT_EQ(next("*/20 18 * * *", now, 2), "2026-11-22T18:00 2026-11-22T18:20");
  EXPECT_EQ(next("51 18 * * *", now), "2026-11-21T18:51");
  EXPECT_EQ(next("50 18 * * *", now), "2026-11-22T18:50");
  EXPECT_EQ(next("0 9-17/4 * * mon-fri", now, 4),
            "2026-11-23T09:00 2026-11-23T13:00 2026-11-23T17:00 2026-11-24T09:00");
  EXPECT_EQ(next("0 0 29 2 *", now, 2), "2028-02-29T00:00 2032-02-29T00:00");
  EXPECT_EQ(next("0 0 29 feb *", "2096-03-01T00:00:00.000Z"), "2104-02-29T00:00");
  EXPECT_EQ(next("@weekly", now), "2026-11-22T00:00");
  EXPECT_EQ(next("15,45 0 1 */3 *", now, 2), "2027-01-01T00:15 2027-01-01T00:45");
  EXPECT_EQ(next("0 0 30 2 *", now), "never");
}

// crontab(5): when both days are restricted, either is enough; else both must hold.
TEST(Cron, DayOfMonthAndDayOfWeek) {
  const std::string now = "2026-11-21T00:00:00.000Z";
  EXPECT_EQ(next("0 0 13 * 5", now, 3), "2026-11-27T00:00 2026-12-04T00:00 2026-12-11T00:00");
  EXPECT_EQ(next("0 0 13 * *", now), "2026-12-13T00:00");
  EXPECT_EQ(next("0 0 */2 * 1", now, 3), "2026-11-23T00:00 2026-12-07T00:00 2026-12-21T00:00");
  EXPECT_EQ(next("0 0 * * 7", now), next("0 0 * * SUN", now));
  EXPECT_EQ(next("0 0 * * 5-7", now, 2), "2026-11-22T00:00 2026-11-27T00:00");
}

TEST(Cron, ClocksGoForward) { // 2026-03-29, 02:00 to 03:00 does not exist in Berlin
  const std::string now = "2026-03-28T12:00:00.000Z";
  EXPECT_EQ(next("30 2 * * *", now, 2, "Europe/Berlin"), "2026-03-29T01:00 2026-03-30T00:30");
  EXPECT_EQ(next("0,30 2 * * *", now, 2, "Europe/Berlin"), "2026-03-29T01:00 2026-03-30T00:00");
  EXPECT_EQ(next("30 * * * *", "2026-03-29T00:00:00.000Z", 3, "Europe/Berlin"),
            "2026-03-29T00:30 2026-03-29T01:30 2026-03-29T02:30");
}

TEST(Cron, ClocksGoBack) { // 2026-10-25, 02:00 to 03:00 comes twice in Berlin
  const std::string now = "2026-10-24T12:00:00.000Z";
  EXPECT_EQ(next("30 2 * * *", now, 2, "Europe/Berlin"), "2026-10-25T00:30 2026-10-26T01:30");
  EXPECT_EQ(next("30 * * * *", "2026-10-25T00:00:00.000Z", 3, "Europe/Berlin"),
            "2026-10-25T00:30 2026-10-25T01:30 2026-10-25T02:30");
  // Lord Howe moves by half an hour.
  EXPECT_EQ(next("45 1 * * *", "2026-04-04T00:00:00.000Z", 2, "Australia/Lord_Howe"),
            "2026-04-04T14:45 2026-04-05T15:15");
}

TEST(Cron, WhatIsWrongIsNamed) {
  const auto why = [](const char* text) {
    const auto parsed = parse_cron(text);
    return parsed ? "fine" : parsed.error().message;
  };
  EXPECT_EQ(why("60 * * * *"), "the minute '60' is not between 0 and 59");
  EXPECT_EQ(why("0 24 * * *"), "the hour '24' is not between 0 and 23");
  EXPECT_EQ(why("0 0 0 * *"), "the day of the month '0' is not between 1 and 31");
  EXPECT_EQ(why("0 0 * foo *"), "the month 'foo' is no number");
  EXPECT_EQ(why("0 0 * * 5-1"), "the day of the week '5-1' runs backwards");
  EXPECT_EQ(why("*/0 * * * *"), "the minute '*/0' has no step of 1 to 59");
  EXPECT_EQ(why("5/10 * * * *"), "the minute '5/10' has a step, but no range: write '5-59/10'");
  EXPECT_EQ(why("0 2 * *"), "'0 2 * *' has 4 fields of five");
  EXPECT_EQ(why(""), "'' has 0 fields of five");
  EXPECT_EQ(why("@reboot"), "'@reboot' has 1 field of five");
  EXPECT_EQ(why("1,,2 * * * *"), "the minute '' is no number");
  EXPECT_EQ(why("99999999999 * * * *"), "the minute '99999999999' is no number");
  EXPECT_EQ(why("0 2 * * * "), "fine");
}

TEST(Cron, Zones) {
  EXPECT_TRUE(check_zone("UTC"));
  EXPECT_TRUE(check_zone("Europe/Berlin"));
  EXPECT_EQ(check_zone("Europe/Berlinn").error().message, "there is no time zone 'Europe/Berlinn'");
  EXPECT_FALSE(check_zone("../../etc/passwd"));
  EXPECT_FALSE(check_zone(""));
}

struct DueText {
  Timing timing;
  Past past;
  std::string operator()(const std::string& now, std::uint64_t seed = 1) const {
    const auto due = next_due(timing, past, at(now), seed);
    if (!due)
      return "never";
    return base::format_time(due->at).substr(5, 11) + " for " +
           base::format_time(due->planned).substr(5, 11) + (due->is_retry ? " again" : "");
  }
};

TEST(Timing, CronBeginsAtItsNextMoment) {
  DueText due{{.cron = parse_cron("0 2 * * *").value()}, {.since = at("2026-11-21T18:00:00.000Z")}};
  EXPECT_EQ(due("2026-11-21T18:00:00.000Z"), "11-22T02:00 for 11-22T02:00");
  EXPECT_EQ(due("2026-11-22T01:59:59.000Z"), "11-22T02:00 for 11-22T02:00");
}

TEST(Timing, WhatWasMissedIsMadeUpOnce) {
  DueText due{{.cron = parse_cron("0 2 * * *").value()}, {.since = at("2026-11-01T18:00:00.000Z")}};
  EXPECT_EQ(due("2026-11-21T18:00:00.000Z"), "11-21T02:00 for 11-21T02:00"); // 19 were missed
  due.past.planned = at("2026-11-21T02:00:00.000Z");
  due.past.ended = at("2026-11-21T18:01:00.000Z");
  EXPECT_EQ(due("2026-11-21T18:01:00.000Z"), "11-22T02:00 for 11-22T02:00");
  due.timing = {.cron = {}, .every = 12h};
  EXPECT_EQ(due("2026-11-24T18:00:00.000Z"), "11-24T14:00 for 11-24T14:00");
}

TEST(Timing, MinutesOfYearsAreNotWalked) {
  DueText due{{.cron = parse_cron("* * * * *").value()}, {.since = at("1990-01-01T00:00:00.000Z")}};
  EXPECT_EQ(due("2026-11-21T18:00:30.000Z"), "11-21T18:00 for 11-21T18:00");
}

TEST(Timing, AnIntervalBeginsAtOnce) {
  DueText due{{.cron = {}, .every = 12h}, {.since = at("2026-11-21T18:00:00.000Z")}};
  EXPECT_EQ(due("2026-11-21T18:05:00.000Z"), "11-21T18:00 for 11-21T18:00");
  due.past.planned = at("2026-11-21T18:00:00.000Z");
  EXPECT_EQ(due("2026-11-21T18:05:00.000Z"), "11-22T06:00 for 11-22T06:00");
}

TEST(Timing, AFailureIsTriedAgain) {
  DueText due{{.cron = parse_cron("0 2 * * *").value()},
              {.since = at("2026-11-01T18:00:00.000Z"),
               .planned = at("2026-11-21T02:00:00.000Z"),
               .ended = at("2026-11-21T02:10:00.000Z"),
               .failures = 1}};
  const std::string now = "2026-11-21T02:10:00.000Z";
  EXPECT_EQ(due(now), "11-21T02:11 for 11-21T02:00 again");
  due.past.failures = 3;
  EXPECT_EQ(due(now), "11-21T02:14 for 11-21T02:00 again");
  due.past.failures = 100;
  EXPECT_EQ(due(now), "11-21T03:10 for 11-21T02:00 again");
  due.past.ended = at("2026-11-22T01:30:00.000Z"); // the regular one comes before
  EXPECT_EQ(due("2026-11-22T01:30:00.000Z"), "11-22T02:00 for 11-22T02:00");
  due.past.failures = 0;
  due.past.was_skipped = true;
  EXPECT_EQ(due("2026-11-22T01:30:00.000Z"), "11-22T01:31 for 11-21T02:00 again");
}

TEST(Timing, JitterIsTheSameForTheSameMoment) {
  DueText due{{.cron = parse_cron("0 2 * * *").value(), .jitter = 30min},
              {.since = at("2026-11-21T18:00:00.000Z")}};
  const std::string now = "2026-11-21T18:00:00.000Z";
  EXPECT_EQ(due(now, 7), due(now, 7));
  int differ = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto found = next_due(due.timing, due.past, at(now), seed);
    EXPECT_GE(found->at, found->planned);
    EXPECT_LE(found->at, found->planned + 30min);
    differ += due(now, seed) != due(now, seed + 1);
  }
  EXPECT_GT(differ, 40);
}

} // namespace
} // namespace schedule
