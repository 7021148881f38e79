#include "serve/pages.hpp"

#include "base/text.hpp"
#include "serve/archive_pages.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace serve {

using nlohmann::json;
using world::ServedResponse;
using world::TimePoint;

namespace {

constexpr auto stands_still_after = std::chrono::minutes{2};

ServedResponse json_page(int status, const json& body) {
  return {.status = status,
          .content_type = "application/json",
          .headers = {},
          .body = body.dump(2, ' ', false, json::error_handler_t::replace) + "\n"};
}

json check_json(const Check& check, TimePoint now) {
  json out{{"status", name_of(check.health)}};
  if (!check.detail.empty())
    out["detail"] = check.detail;
  if (check.at) {
    out["at"] = base::format_time(*check.at);
    out["age_seconds"] = std::chrono::duration_cast<std::chrono::seconds>(now - *check.at).count();
  }
  return out;
}

std::string label_value(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\' || c == '"')
      escaped += '\\';
    if (c == '\n')
      escaped += "\\n";
    else
      escaped += c;
  }
  return escaped;
}

double seconds(TimePoint time) {
  return static_cast<double>(
             std::chrono::duration_cast<world::Milliseconds>(time.time_since_epoch()).count()) /
         1000;
}

std::string of_stack(const StackView& view) {
  return "stack=\"" + label_value(view.stack) + "\"";
}

// `value`: nothing when it is not known of this one.
template <class Value>
void per_routine(MetricsText& out, const Board& board, Value value) {
  for (const StackView& view : board.stacks)
    for (const RoutineView& routine : view.routines)
      if (const std::optional<double> number = value(routine))
        out.line(of_stack(view) + ",routine=\"" + routine.record.name + "\"", *number);
}
template <class Value>
void per_stack(MetricsText& out, const Board& board, Value value) {
  for (const StackView& view : board.stacks)
    if (const std::optional<double> number = value(view))
      out.line(of_stack(view), *number);
}

const RoutineView* routine_of(const StackView& view, std::string_view name) {
  const auto found = std::ranges::find_if(
      view.routines, [&](const RoutineView& routine) { return routine.record.name == name; });
  return found == view.routines.end() ? nullptr : &*found;
}

// The names that the operations playbook of Duskmantle promises, with our prefix.
void add_backup(MetricsText& out, const Board& board) {
  const auto add_archives = [&](const char* family) { // of the same name when the prefix is
    if (board.archives && board.metrics_prefix == km_prefix)
      archive_lines(out, *board.archives, family);
  };
  out.family("backup_runs_total", "counter", "Scheduled backups that ended, by result.");
  for (const StackView& view : board.stacks)
    if (const RoutineView* routine = routine_of(view, "backup")) {
      const state::RoutineRecord& record = routine->record;
      const auto add = [&](const char* result, std::uint64_t count) {
        out.line(of_stack(view) + ",result=\"" + result + "\"", static_cast<double>(count));
      };
      add("success", record.successes_all);
      add("failure", record.failures_all);
      add("skipped_lock", record.skipped_all);
    }
  add_archives("backup_runs_total");
  out.family("backup_last_status", "gauge", "1: the last scheduled backup was good; 0: it failed.");
  per_stack(out, board, [](const StackView& view) -> std::optional<double> {
    const RoutineView* routine = routine_of(view, "backup");
    if (routine == nullptr ||
        (routine->record.successes_all == 0 && routine->record.failures_all == 0))
      return std::nullopt;
    return routine->record.failures == 0 ? 1 : 0;
  });
  add_archives("backup_last_status");
  out.family("backup_last_success_timestamp", "gauge",
             "When the newest restore point of the repository was taken, whoever asked for it; in "
             "seconds since 1970.");
  per_stack(out, board, [](const StackView& view) -> std::optional<double> {
    return view.last_backup ? std::optional{seconds(view.last_backup->at)} : std::nullopt;
  });
  add_archives("backup_last_success_timestamp");
  out.family("backup_retention_deletes_total", "counter",
             "Restore points that retention let go, in all places.");
  per_stack(out, board, [](const StackView& view) -> std::optional<double> {
    const RoutineView* routine = routine_of(view, "retention");
    return routine == nullptr ? std::nullopt
                              : std::optional{static_cast<double>(routine->record.removed_all)};
  });
  add_archives("backup_retention_deletes_total");
}

void add_last(MetricsText& out, const Board& board) {
  out.family("backup_last_size_bytes", "gauge", "Data in the newest restore point.");
  per_stack(out, board, [](const StackView& view) -> std::optional<double> {
    return view.last_backup ? std::optional{static_cast<double>(view.last_backup->bytes)}
                            : std::nullopt;
  });
  out.family("backup_last_stored_bytes", "gauge",
             "What the newest restore point added to the repository.");
  per_stack(out, board, [](const StackView& view) -> std::optional<double> {
    return view.last_backup ? std::optional{static_cast<double>(view.last_backup->bytes_stored)}
                            : std::nullopt;
  });
  out.family("backup_last_has_copy", "gauge", "1: the second place has it too.");
  per_stack(out, board, [](const StackView& view) -> std::optional<double> {
    return view.has_copy && view.last_backup ? std::optional{view.last_backup->has_copy ? 1.0 : 0.0}
                                             : std::nullopt;
  });
  out.family("backup_max_age_seconds", "gauge",
             "The newest restore point may be so old before it is an alarm.");
  per_stack(out, board, [](const StackView& view) -> std::optional<double> {
    return view.age_max ? std::optional{static_cast<double>(view.age_max->count()) / 1000}
                        : std::nullopt;
  });
}

void add_drill(MetricsText& out, const Board& board) {
  out.family("drill_last_success_timestamp_seconds", "gauge",
             "When the last drill that went well was begun, whoever asked for it.");
  per_stack(out, board, [](const StackView& view) -> std::optional<double> {
    return view.last_drill ? std::optional{seconds(view.last_drill->at)} : std::nullopt;
  });
  out.family("drill_last_duration_seconds", "gauge",
             "How long it took to bring all stores back, and to prove them.");
  per_stack(out, board, [](const StackView& view) -> std::optional<double> {
    return view.last_drill ? std::optional{static_cast<double>(view.last_drill->took_ms) / 1000}
                           : std::nullopt;
  });
}

void add_routines(MetricsText& out, const Board& board) {
  out.family("routine_last_success_timestamp_seconds", "gauge", "When a routine last ended well.");
  per_routine(out, board, [](const RoutineView& routine) -> std::optional<double> {
    return routine.record.last_success ? std::optional{seconds(*routine.record.last_success)}
                                       : std::nullopt;
  });
  out.family("routine_last_duration_seconds", "gauge", "How long the last run of a routine took.");
  per_routine(out, board, [](const RoutineView& routine) -> std::optional<double> {
    if (!routine.record.began || !routine.record.ended)
      return std::nullopt;
    return static_cast<double>(std::chrono::duration_cast<world::Milliseconds>(
                                   *routine.record.ended - *routine.record.began)
                                   .count()) /
           1000;
  });
  out.family("routine_next_run_timestamp_seconds", "gauge", "When a routine begins next.");
  per_routine(out, board, [](const RoutineView& routine) -> std::optional<double> {
    return routine.next ? std::optional{seconds(*routine.next)} : std::nullopt;
  });
  out.family("routine_running", "gauge", "1: it runs now.");
  per_routine(out, board, [](const RoutineView& routine) -> std::optional<double> {
    return routine.record.is_running() ? 1 : 0;
  });
}

} // namespace

ServedResponse healthz(const Board& board, TimePoint now) {
  Health all = Health::ok;
  json stacks = json::object();
  for (const StackView& view : board.stacks) {
    const auto checks = checks_of(view, now);
    const Health worst = worst_of(checks);
    json told = json::object();
    for (const Check& check : checks)
      told[check.name] = check_json(check, now);
    stacks[view.stack] = {{"status", name_of(worst)}, {"checks", told}};
    all = std::max(all, worst);
  }
  json page{{"version", board.version}, {"timestamp", base::format_time(now)}, {"stacks", stacks}};
  if (board.archives) { // where the playbook looks for it
    const Check check = check_of(*board.archives, now);
    json told = check_json(check, now);
    put_archive(told, *board.archives);
    page["checks"] = {{"backup", told}};
    all = std::max(all, worst_of({check}));
  }
  page["status"] = name_of(all);
  return json_page(all == Health::error ? 503 : 200, page);
}

ServedResponse live(const Board& board, TimePoint now) {
  const bool lives = now - board.ticked < stands_still_after;
  return json_page(lives ? 200 : 503, {{"status", lives ? "ok" : "error"}});
}

ServedResponse ready(const Board& board) {
  return json_page(board.is_ready ? 200 : 503, {{"status", board.is_ready ? "ok" : "pending"}});
}

ServedResponse metrics(const Board& board, TimePoint now) {
  MetricsText out{board.metrics_prefix};
  out.family("build_info", "gauge", "The belay that answers.");
  out.line("version=\"" + label_value(board.version) + "\"", 1);
  out.family("start_time_seconds", "gauge", "When it began to serve.");
  out.line("", seconds(board.began));
  add_backup(out, board);
  add_last(out, board);
  add_drill(out, board);
  add_routines(out, board);
  out.family("operation_in_progress", "gauge", "1: an upgrade or a rollback is in progress.");
  per_stack(out, board, [](const StackView& view) -> std::optional<double> {
    return view.operation.empty() ? 0 : 1;
  });
  out.family("check_ok", "gauge", "1: the check of /healthz is good; what is disabled is absent.");
  for (const StackView& view : board.stacks)
    for (const Check& check : checks_of(view, now))
      if (check.health != Health::disabled)
        out.line(of_stack(view) + ",check=\"" + check.name + "\"",
                 check.health == Health::ok || check.health == Health::pending ? 1 : 0);
  MetricsText of_archives{km_prefix};
  if (board.archives && board.metrics_prefix != km_prefix)
    add_archive_families(of_archives, *board.archives);
  return {.status = 200,
          .content_type = "text/plain; version=0.0.4; charset=utf-8",
          .headers = {},
          .body = out.text() + of_archives.text()};
}

ServedResponse not_allowed() {
  return {.status = 405,
          .content_type = "text/plain; charset=utf-8",
          .headers = {{"Allow", "GET, HEAD"}},
          .body = "only GET and HEAD are answered here\n"};
}

ServedResponse answer(const Board& board, const std::string& path, TimePoint now) {
  if (path == "/healthz")
    return healthz(board, now);
  if (path == "/health/live")
    return live(board, now);
  if (path == "/health/ready" || path == "/health/startup")
    return ready(board);
  if (path == "/metrics")
    return metrics(board, now);
  return {.status = 404,
          .content_type = "text/plain; charset=utf-8",
          .headers = {},
          .body = "nothing is here; there are /healthz, /health/live, /health/ready, "
                  "/health/startup and /metrics\n"};
}

} // namespace serve
