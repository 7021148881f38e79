#include "base/text.hpp"
#include "serve/archive_view.hpp"
#include "serve/outcome.hpp"
#include "serve/pages.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace serve {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""min;
using state::RoutineOutcome;

const world::TimePoint noon = base::parse_time("2026-11-21T12:00:00.000Z").value();

ArchiveView fresh_archive() {
  ArchiveView view{.is_enabled = true, .destination = "/kept", .age_max = 24h};
  view.record = {.name = "backup", .since = noon - 1h};
  return view;
}

ArchiveView good_archive() {
  ArchiveView view = fresh_archive();
  view.record.outcome = RoutineOutcome::success;
  view.record.last_success = noon - 1h;
  view.record.successes_all = 3;
  view.record.removed_all = 2;
  view.last = state::LastArchive{
      .at = noon - 1h, .path = "/kept/km-backup-20261121T110000.tgz", .bytes = 10};
  return view;
}

std::string archive_told(const ArchiveView& view) {
  const Check check = check_of(view, noon);
  return std::string{name_of(check.health)} + (check.detail.empty() ? "" : ": ") + check.detail;
}

TEST(ArchiveView, SaysWhatIsThere) {
  EXPECT_EQ(archive_told({}), "disabled");
  EXPECT_EQ(archive_told(fresh_archive()), "pending: has not run yet");
  EXPECT_EQ(archive_told(good_archive()), "ok");
  ArchiveView view = good_archive();
  view.record.outcome = RoutineOutcome::failed;
  view.record.detail = "no space";
  EXPECT_EQ(archive_told(view), "error: no space");
  view = good_archive();
  view.last->prune_problem = "not permitted";
  EXPECT_EQ(archive_told(view), "error: older archives are not removed: not permitted");
  view = good_archive();
  view.problem = "it cannot be read";
  EXPECT_EQ(archive_told(view), "error: it cannot be read");
}

TEST(ArchiveView, AnArchiveThatIsGoneIsNotGood) {
  ArchiveView view = good_archive();
  view.last.reset();
  EXPECT_EQ(archive_told(view), "error: there is no archive any more in '/kept'");
  view.is_looking = true;
  EXPECT_EQ(archive_told(view), "pending: the archives that are there are read");
  view.is_looking = false;
  view.verify_problem = "no archive is whole";
  EXPECT_EQ(archive_told(view), "error: no archive is whole");
}

TEST(ArchiveView, AnOldOneIsStaleAlsoWhenNothingEverRan) {
  ArchiveView view = good_archive();
  view.last->at = noon - 25h;
  EXPECT_EQ(archive_told(view),
            "stale: the newest archive is 25 h 0 m old, at most 24 h 0 m is wanted");
  view = fresh_archive();
  view.record.since = noon - 30h;
  EXPECT_TRUE(archive_told(view).starts_with("stale: there has been no archive for 30 h 0 m"));
}

TEST(ArchiveView, AFolderThatWasRecoveredTellsOfWhichArchive) {
  ArchiveView view = fresh_archive();
  view.recovered = state::ArchiveNote{noon - 2h, "km-backup-20261121T100000.tgz"};
  EXPECT_EQ(archive_told(view),
            "pending: has not run yet; the state is that of km-backup-20261121T100000.tgz");
  EXPECT_EQ(check_of(view, noon).at, noon - 2h);
}

TEST(ArchivePages, HealthzHasTheCheckWhereThePlaybookLooks) {
  Board board;
  board.archives = good_archive();
  const auto page = healthz(board, noon);
  EXPECT_EQ(page.status, 200);
  const auto body = nlohmann::json::parse(page.body);
  EXPECT_EQ(body["checks"]["backup"]["status"], "ok");
  EXPECT_EQ(body["checks"]["backup"]["archive"], "/kept/km-backup-20261121T110000.tgz");
  EXPECT_EQ(body["checks"]["backup"]["last_success"], "2026-11-21T11:00:00.000Z");
  EXPECT_EQ(body["checks"]["backup"]["deleted"], 2);
  board.archives->record.outcome = RoutineOutcome::failed;
  board.archives->last_failure = noon;
  EXPECT_EQ(healthz(board, noon).status, 503);
  board.archives = ArchiveView{};
  EXPECT_EQ(nlohmann::json::parse(healthz(board, noon).body)["checks"]["backup"]["status"],
            "disabled");
  board.archives.reset();
  EXPECT_FALSE(nlohmann::json::parse(healthz(board, noon).body).contains("checks"));
}

std::size_t times_in(const std::string& text, const std::string& words) {
  std::size_t found = 0;
  for (auto at = text.find(words); at != std::string::npos; at = text.find(words, at + 1))
    ++found;
  return found;
}

TEST(ArchivePages, MetricsHaveThePlaybooksNamesOnceWhateverThePrefix) {
  Board board;
  board.archives = good_archive();
  for (const char* prefix : {"belay_", "km_"}) {
    board.metrics_prefix = prefix;
    const std::string text = metrics(board, noon).body;
    EXPECT_EQ(times_in(text, "# TYPE km_backup_runs_total counter"), 1) << prefix;
    EXPECT_TRUE(text.contains("\nkm_backup_runs_total{result=\"success\"} 3\n")) << text;
    EXPECT_TRUE(text.contains("\nkm_backup_last_status 1\n"));
    EXPECT_TRUE(text.contains("\nkm_backup_last_success_timestamp 1795258800\n")) << text;
    EXPECT_TRUE(text.contains("\nkm_backup_retention_deletes_total 2\n"));
  }
  board.archives = fresh_archive(); // what is not known is absent, never 0
  const std::string text = metrics(board, noon).body;
  EXPECT_FALSE(text.contains("\nkm_backup_last_status "));
  EXPECT_FALSE(text.contains("\nkm_backup_last_success_timestamp "));
}

TEST(Outcome, OfAnArchiveEndsInItsPath) {
  const RoutineEnd end =
      end_of("backup", 0, R"({"event":"archived","archive":"/kept/a.tgz","removed":["b","c"]})");
  EXPECT_EQ(end.detail, "Backup written to /kept/a.tgz");
  EXPECT_EQ(end.removed, 2);
}

} // namespace
} // namespace serve
