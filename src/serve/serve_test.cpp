#include "base/text.hpp"
#include "serve/outcome.hpp"
#include "serve/pages.hpp"
#include "serve/served_stack.hpp"
#include "serve/vitals.hpp"

#include <gtest/gtest.h>

namespace serve {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""s;
using state::RoutineOutcome;

const world::TimePoint now = base::parse_time("2026-11-21T12:00:00.000Z").value();

StackView nightly() {
  StackView view;
  view.stack = "shop";
  view.has_schedule = true;
  view.since = now - 10h;
  view.age_max = 48h;
  view.routines.push_back({.record = {.name = "backup", .since = now - 10h}, .when = "every 24h"});
  return view;
}

// "backup=ok verify=disabled ..."; without those that are disabled.
std::string told(const StackView& view) {
  std::string text;
  for (const Check& check : checks_of(view, now))
    if (check.health != Health::disabled && (check.health != Health::ok || check.name == "backup"))
      text += check.name + "=" + std::string{name_of(check.health)} +
              (check.detail.empty() ? "" : " (" + check.detail + ")") + " ";
  return text + std::string{name_of(worst_of(checks_of(view, now)))};
}

TEST(View, BackupsArePendingGoodFailedAndStale) {
  StackView view = nightly();
  EXPECT_EQ(told(view), "backup=pending (has not run yet) ok");
  view.routines[0].record.began = now - 1min;
  EXPECT_EQ(told(view), "backup=pending (runs for the first time) ok");
  view.routines[0].record.ended = now;
  view.routines[0].record.last_success = now;
  view.routines[0].record.outcome = RoutineOutcome::success;
  view.last_backup = state::LastBackup{.at = now - 1min, .point = "p-1"};
  EXPECT_EQ(told(view), "backup=ok ok");
  view.routines[0].record.outcome = RoutineOutcome::failed;
  view.routines[0].record.detail = "no space";
  EXPECT_EQ(told(view), "backup=error (no space) error");
  view.last_backup->at = now - 49h;
  EXPECT_EQ(told(view), "backup=stale (the newest restore point is 49 h 0 m old, at most 48 h 0 m "
                        "is wanted; no space) error");
  view.routines[0].record.outcome = RoutineOutcome::skipped;
  EXPECT_TRUE(told(view).starts_with("backup=stale"));
}

// The alarm does not need a scheduler that works: it is about what there is.
TEST(View, NeverRunBecomesStale) {
  StackView view = nightly();
  view.since = now - 49h;
  EXPECT_EQ(told(view), "backup=stale (no restore point for 49 h 0 m, at most 48 h 0 m is wanted; "
                        "has not run yet) error");
}

TEST(View, OperationsConfigAndCopies) {
  StackView view = nightly();
  view.operation = "o-1";
  EXPECT_EQ(told(view), "backup=pending (has not run yet) operation=degraded (o-1 is in progress) "
                        "degraded");
  view.is_abandoned_by_owner = true;
  EXPECT_TRUE(told(view).ends_with("nobody is at work on it: 'belay status') error"));
  view = nightly();
  view.has_copy = true;
  view.last_backup = state::LastBackup{.at = now, .point = "p-1"};
  EXPECT_TRUE(told(view).contains("copy=error (the second place does not have restore point p-1)"));
  view.last_backup->has_copy = true;
  EXPECT_FALSE(told(view).contains("copy"));
  view.config_problem = "belay.yaml:3:1: unknown key";
  EXPECT_TRUE(told(view).contains("config=error (belay.yaml:3:1: unknown key)"));
}

TEST(Outcome, StatusAndWhatWasSaid) {
  const auto end = [](const char* routine, std::optional<int> status, const char* said) {
    const RoutineEnd found = end_of(routine, status, said);
    return std::string{name_of(found.outcome)} + ": " + found.detail;
  };
  EXPECT_EQ(end("backup", 0, R"({"event":"backed_up","point":"p-1"})"),
            "success: restore point p-1");
  EXPECT_EQ(end("backup", 4, R"({"event":"backed_up","point":"p-1","copy":{"message":"gone"}})"),
            "failed: restore point p-1, but not in the second place: gone");
  EXPECT_EQ(end("backup", 12, "{\"event\":\"error\",\"message\":\"wrong password\"}\nbelay: x"),
            "failed: wrong password");
  EXPECT_EQ(end("backup", 11, R"({"event":"error","message":"locked"})"), "skipped: locked");
  EXPECT_EQ(end("backup", std::nullopt, ""), "failed: it died without a word");
  EXPECT_EQ(end("backup", 1, "Segmentation\x1b[31m fault"), "failed: Segmentation?[31m fault");
  EXPECT_EQ(end("backup", 1, ""), "failed: exit status 1");
  EXPECT_EQ(end("resume", 7, ""), "success: ");
  EXPECT_EQ(end("backup", 7, ""), "failed: exit status 7");
  EXPECT_EQ(end("resume", 3, R"({"event":"ended","outcome":"rolled_back","why":"not ready"})"),
            "success: rolled_back: not ready");
  EXPECT_EQ(end_of("retention", 0,
                   "{\"event\":\"let_go\",\"gone\":[\"a\",\"b\"]}\n{\"event\":\"let_go\","
                   "\"gone\":[\"a\"]}\n")
                .removed,
            3U);
  EXPECT_EQ(end("backup", 0, "{\"event\":7,\"point\":[]}\n[1]\n"), "success: ");
}

TEST(Pages, WhatIsNotKnownIsAbsent) {
  Board board{.version = "1", .metrics_prefix = "km_", .began = now, .ticked = now};
  StackView view = nightly();
  view.stack = "a\"b\\c";
  board.stacks.push_back(view);
  const std::string text = metrics(board, now).body;
  EXPECT_TRUE(text.contains("km_backup_runs_total{stack=\"a\\\"b\\\\c\",result=\"success\"} 0\n"));
  EXPECT_FALSE(text.contains("km_backup_last_success_timestamp{"));
  EXPECT_FALSE(text.contains("km_backup_last_status{"));
}

TEST(Pages, StatusesAreHonest) {
  Board board{.version = "1", .began = now, .ticked = now};
  board.stacks.push_back(nightly());
  EXPECT_EQ(answer(board, "/healthz", now).status, 200);
  EXPECT_EQ(answer(board, "/health/live", now).status, 200);
  EXPECT_EQ(answer(board, "/health/live", now + 3min).status, 503);
  EXPECT_EQ(answer(board, "/health/ready", now).status, 503);
  board.is_ready = true;
  EXPECT_EQ(answer(board, "/health/startup", now).status, 200);
  EXPECT_EQ(answer(board, "/../etc/passwd", now).status, 404);
  board.stacks[0].operation = "o-1";
  EXPECT_EQ(answer(board, "/healthz", now).status, 200); // degraded: nothing is wrong
  board.stacks[0].config_problem = "unknown key";
  EXPECT_EQ(answer(board, "/healthz", now).status, 503);
}

struct FakeSupervisor final : world::Supervisor {
  bool is_there() override { return true; }
  base::Result<> tell(const std::string& lines) override {
    told.push_back(lines);
    return base::ok();
  }
  std::optional<world::Milliseconds> patience() override { return 20s; }
  std::vector<std::string> told;
};
struct FakeClock final : world::Clock {
  world::TimePoint now() override { return serve::now + passed; }
  world::Milliseconds monotonic() override { return 1h + passed; }
  void sleep_for(world::Milliseconds duration) override { passed += duration; }
  bool stop_requested() override { return false; }
  world::Milliseconds passed{0};
};

TEST(Vitals, SayReadyOnceAndMoveInTime) {
  FakeSupervisor supervisor;
  FakeClock clock;
  Vitals vitals{&supervisor, clock, [](const Line&) { FAIL() << "it was told"; }};
  Board board{.version = "1", .began = now, .ticked = now};
  board.stacks.push_back(nightly());
  vitals.moves();
  vitals.looked(board);
  EXPECT_EQ(supervisor.told, (std::vector<std::string>{"WATCHDOG=1\nEXTEND_TIMEOUT_USEC=120000000",
                                                       "STATUS=1 stack"}));
  supervisor.told.clear();
  vitals.moves(); // none is due
  EXPECT_TRUE(supervisor.told.empty());
  board.is_ready = true;
  vitals.looked(board);
  EXPECT_EQ(supervisor.told, std::vector<std::string>{"READY=1\nSTATUS=1 stack"});
  EXPECT_LE(vitals.pause_max(), supervisor.patience().value() / 2);
  supervisor.told.clear();
  // However the loop sleeps, as long as it sleeps no longer than it may, no gap is half the
  // patience.
  for (int i = 0; i < 12; ++i) {
    clock.sleep_for(vitals.pause_max());
    vitals.moves();
  }
  EXPECT_EQ(supervisor.told.size(), 12U);
  EXPECT_EQ(supervisor.told.front(), "WATCHDOG=1");
  supervisor.told.clear();
  board.stacks[0].config_problem = "unknown key";
  board.stacks[0].routines[0].record.began = now;
  vitals.looked(board);
  vitals.looked(board);
  EXPECT_EQ(supervisor.told, std::vector<std::string>{
                                 "STATUS=1 stack; shop: backup runs; 1 is not well: see /healthz"});
  vitals.stops();
  EXPECT_TRUE(supervisor.told.back().starts_with("STOPPING=1"));
}

TEST(Vitals, NobodyNeedsToBeThere) {
  FakeClock clock;
  Vitals vitals{nullptr, clock, [](const Line&) {}};
  vitals.moves();
  vitals.looked({});
  vitals.stops();
  EXPECT_EQ(vitals.pause_max(), 60s);
}

TEST(ServedStack, AgeFollowsFromTheTiming) {
  domain::Stack stack;
  EXPECT_FALSE(age_max_of(stack, now));
  stack.backup = domain::BackupPolicy{};
  stack.backup->timing.every = 12h;
  EXPECT_EQ(age_max_of(stack, now), 24h);
  stack.backup->timing = {.cron = "0 2 * * *", .zone = "Europe/Berlin", .jitter = 1h};
  EXPECT_EQ(age_max_of(stack, now), 49h);
  stack.backup->age_max = 30h;
  EXPECT_EQ(age_max_of(stack, now), 30h);
  EXPECT_EQ(words_of({.cron = "", .every = 36h + 90s}), "every 1d12h1m30s");
}

} // namespace
} // namespace serve
