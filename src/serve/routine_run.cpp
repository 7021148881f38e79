#include "serve/routine_run.hpp"

#include "base/text.hpp"
#include "serve/outcome.hpp"

#include <algorithm>

namespace serve {

using base::ok;
using base::Result;
using state::RoutineOutcome;
using state::RoutineRecord;
using world::TimePoint;

namespace {

constexpr std::size_t logs_kept = 10; // of each routine
constexpr const char* tag_name = "BELAY_ROUTINE";

std::string status_path(const RoutinePlace& place, const std::string& name) {
  return state::routines_folder(place.state_folder) + "/" + name + ".status";
}
std::string log_folder(const RoutinePlace& place) {
  return state::routines_folder(place.state_folder) + "/log";
}
std::string log_path(const RoutinePlace& place, const RoutineRecord& record) {
  return log_folder(place) + "/" + record.name + "-" + base::compact_time(*record.began) + ".jsonl";
}

Result<> trim_logs(const RoutinePlace& place, const std::string& name) {
  world::Files& files = place.host.world.files;
  std::vector<std::string> logs = TRY(files.list(log_folder(place)));
  std::erase_if(logs, [&](const std::string& log) { return !log.starts_with(name + "-"); });
  std::vector<std::string> old;
  for (std::size_t i = 0; i + logs_kept <= logs.size(); ++i)
    old.push_back(log_folder(place) + "/" + logs[i]);
  return files.remove_all(old);
}

} // namespace

Result<bool> begin_run(const RoutinePlace& place, RoutineRecord& record, TimePoint planned,
                       const std::vector<std::string>& argv) {
  const world::World& world = place.host.world;
  const std::string status = status_path(place, record.name);
  TRY(world.files.create_folders(log_folder(place)));
  TRY(trim_logs(place, record.name));
  TRY(world.files.remove(status));
  record.planned = planned;
  record.began = world.clock.now();
  record.ended.reset();
  TRY(state::write_routine(world.files, place.state_folder, record));
  world::ServiceStart start;
  start.argv = {place.program};
  start.argv.insert(start.argv.end(), argv.begin(), argv.end());
  start.working_folder = place.working_folder;
  start.environment.assign(place.host.environment.begin(), place.host.environment.end());
  start.environment.emplace_back(tag_name, place.state_folder + ":" + record.name);
  start.environment.emplace_back("BELAY_STATUS_FILE", status);
  start.log_path = log_path(place, record);
  start.lock_path = status + ".start";
  return static_cast<bool>(world.processes.start(start));
}

Result<> skip_run(const RoutinePlace& place, RoutineRecord& record, TimePoint planned,
                  const std::string& why) {
  const TimePoint now = place.host.world.clock.now();
  record.planned = planned;
  record.began = now;
  record.ended = now;
  record.outcome = RoutineOutcome::skipped;
  record.detail = why;
  ++record.skipped_all;
  return state::write_routine(place.host.world.files, place.state_folder, record);
}

Result<bool> is_run_alive(const RoutinePlace& place, const std::string& name) {
  const auto found = TRY(place.host.world.processes.find(
      status_path(place, name) + ".start", tag_name, place.state_folder + ":" + name));
  return std::ranges::any_of(found, [](const auto& process) { return process.is_leader; });
}

std::optional<int> status_left(const RoutinePlace& place, const std::string& name) {
  const auto text = place.host.world.files.read(status_path(place, name), 64);
  return text ? std::optional{std::atoi(text.value().c_str())} : std::nullopt;
}

Result<> end_run(const RoutinePlace& place, RoutineRecord& record, std::optional<int> status) {
  world::Files& files = place.host.world.files;
  const TimePoint now = place.host.world.clock.now();
  const auto said = files.read_end(log_path(place, record), 256U << 10U);
  const RoutineEnd end = end_of(record.name, status, said ? said.value() : "");
  record.ended = now;
  record.outcome = end.outcome;
  record.detail = end.detail;
  record.status = status.value_or(-1) & 0xff;
  record.removed_all += end.removed;
  switch (end.outcome) {
  case RoutineOutcome::success:
    ++record.successes_all;
    record.failures = 0;
    record.last_success = now;
    break;
  case RoutineOutcome::skipped: ++record.skipped_all; break;
  default: ++record.failures_all; ++record.failures;
  }
  return state::write_routine(files, place.state_folder, record);
}

std::string words_of_end(const RoutineRecord& record) {
  return record.name + " " +
         (record.outcome == RoutineOutcome::success   ? "done"
          : record.outcome == RoutineOutcome::skipped ? "put off"
                                                      : "failed") +
         " after " +
         base::format_duration(
             std::chrono::duration_cast<world::Milliseconds>(*record.ended - *record.began)) +
         (record.detail.empty() ? "" : ": " + record.detail);
}

Level level_of_end(const RoutineRecord& record) {
  return record.outcome == RoutineOutcome::success   ? Level::info
         : record.outcome == RoutineOutcome::skipped ? Level::warning
                                                     : Level::error;
}

} // namespace serve
