#include "drivers/systemd/runtime.hpp"

#include "base/text.hpp"
#include "drivers/systemd/triggers.hpp"

#include <algorithm>

namespace drivers::systemd {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::ServiceSpec;
using world::Milliseconds;

namespace {

constexpr Milliseconds poll_every{200};
constexpr Milliseconds kill_timeout{10'000};
constexpr Milliseconds start_timeout_min{30'000};
constexpr std::size_t tail_bytes_max = 8192;
constexpr int log_lines_max = 100'000; // journalctl finds them from the end
// What `observe` says of a start that belay knows nothing of.
constexpr const char* unknown_folder = "(unknown)";

Error no_unit(const Unit& unit) {
  if (unit.load == "masked")
    return {ErrorKind::conflict, "unit '" + unit.name + "' is masked",
            "Allow it again: systemctl unmask " + unit.name + "."};
  if (unit.load == "not-found")
    return {ErrorKind::not_found, "there is no unit '" + unit.name + "'",
            "Install its unit file and run 'systemctl daemon-reload', or correct `unit:`."};
  return {ErrorKind::invalid_input,
          "systemd cannot read unit '" + unit.name + "' (" + unit.load + ")",
          "'systemd-analyze verify " + unit.name + "' says what is wrong with it."};
}

std::string how_it_ended(const Unit& unit) {
  if (unit.result == "start-limit-hit")
    return "started too often (StartLimitBurst=)";
  if (unit.result == "exit-code")
    return "exit status " + std::to_string(unit.exit_status);
  return unit.result.empty() ? "no result" : "result " + unit.result;
}

std::string state_of(const Unit& unit) {
  if (!unit.is_loaded() && !unit.is_up())
    return no_unit(unit).message;
  const std::string name = "unit '" + unit.name + "' is ";
  if (unit.sub == "auto-restart")
    return name + "waiting to be restarted: " + how_it_ended(unit) + ", restarted " +
           std::to_string(unit.restarts) + " times";
  if (unit.active == "failed")
    return name + "failed: " + how_it_ended(unit);
  if (unit.sub == "exited")
    return name + "active without a process: only long-running services can be upgraded";
  return name + unit.active + (unit.sub.empty() || unit.sub == "dead" ? "" : " (" + unit.sub + ")");
}

// One that systemd has begun to start, and that has not got to its main process yet.
bool is_on_its_way(const Unit& unit) {
  return unit.has_job || unit.active == "activating" || unit.active == "reloading";
}

} // namespace

Runtime::Runtime(world::World world, std::string stack, std::string project_folder,
                 std::string state_folder, std::string search_path, std::string units_folder)
    : world_{world}, stack_{std::move(stack)}, project_folder_{std::move(project_folder)},
      state_folder_{std::move(state_folder)}, units_folder_{std::move(units_folder)},
      manager_{world}, releases_{world, project_folder_, std::move(search_path)} {}

std::string Runtime::drop_in(const Service& service, std::string_view name) const {
  return units_folder_ + "/" + service.unit + ".d/zz-belay-" + std::string{name} + ".conf";
}

std::string Runtime::own_file(const Service& service, std::string_view suffix) const {
  return state_folder_ + "/run/" + service.name + "." + std::string{suffix};
}

// What a release needs to be made and verified: its program. With a link, the unit file has it.
Result<ServiceSpec> Runtime::with_program(const Service& service) {
  Service with = service;
  if (!with.run.empty())
    return with;
  const std::string link = service.releases_folder + "/current/";
  const Definition loaded = TRY(manager_.definition(service.unit));
  with.run = {loaded.program.starts_with(link) ? "./" + loaded.program.substr(link.size())
                                               : loaded.program};
  if (loaded.program.starts_with(link) || loaded.command.contains(link) ||
      loaded.working_folder == service.releases_folder + "/current" ||
      loaded.working_folder.starts_with(link))
    return with;
  return Error{
      ErrorKind::invalid_input,
      "unit '" + service.unit + "' does not run from the link '" + service.releases_folder +
          "/current', so that a release would change nothing",
      "Name that link in its ExecStart=, or give `exec_start:` and belay writes a drop-in."};
}

Result<domain::Release> Runtime::prepare(const Service& service, const std::string& label) {
  return releases_.prepare(TRY(with_program(service)), label);
}

// Known before anything is stopped. What a switch or a hold finds loaded decides all the same.
Result<> Runtime::check_none_is_stronger(const Service& service, const Unit& unit) {
  for (const std::string& path : base::split(unit.drop_ins, ' ')) {
    const std::string name = base::name_of_path(path);
    const std::string text = TRY(text_or_empty(world_.files, path));
    for (const auto& [own, key] : {std::pair{"zz-belay-release.conf", "ExecStart="},
                                   std::pair{"zz-belay-hold.conf", "Restart="}}) {
      const bool is_set = text.starts_with(key) || text.contains(std::string{"\n"} + key);
      const bool is_ours = key == std::string_view{"Restart="} || !service.run.empty();
      if (name > own && is_set && is_ours)
        return Error{ErrorKind::conflict,
                     "'" + path + "' sets " + key + ", and is stronger than belay's own drop-in '" +
                         own + "', which sorts before it",
                     "Give it a name that sorts before zz-belay, and run 'systemctl "
                     "daemon-reload'."};
    }
  }
  return ok();
}

Result<> Runtime::can_prepare(const Service& service, const std::string& label) {
  const Unit unit = TRY(manager_.show(service.unit));
  if (!unit.is_loaded())
    return no_unit(unit);
  if (unit.type == "oneshot")
    return Error{ErrorKind::invalid_input,
                 "unit '" + unit.name + "' is of Type=oneshot: it has no process that stays",
                 "Only long-running services can be upgraded."};
  TRY(check_none_is_stronger(service, unit));
  return releases_.can_prepare(TRY(with_program(service)), label);
}

Result<> Runtime::verify(const Service& service, const domain::Release& release) {
  return releases_.verify(TRY(with_program(service)), release);
}

Result<Held> Runtime::read_held(const Service& service) {
  return held_in(TRY(text_or_empty(world_.files, own_file(service, "held"))));
}

Result<Starts> Runtime::read_starts(const Service& service) {
  return starts_in(TRY(text_or_empty(world_.files, own_file(service, "starts"))));
}

Result<> Runtime::write_starts(const Service& service, const Starts& starts) {
  if (TRY(read_starts(service)) == starts)
    return ok();
  TRY(world_.files.create_folders(state_folder_ + "/run"));
  return world_.files.replace(own_file(service, "starts"), text_of(starts));
}

// Also of a start that we did not make (by a person, by systemd, after a boot): it runs what was
// there to be run.
Result<std::string> Runtime::folder_of(const Service& service, const Unit& unit) {
  const Starts starts = TRY(read_starts(service));
  if (!unit.invocation.empty() && unit.invocation == starts.invocation)
    return starts.invocation_folder;
  // Somebody else may have moved the link since.
  if (TRY(current_folder(service)) != starts.next_folder)
    return std::string{};
  return starts.next_folder;
}

Result<std::vector<int>> Runtime::left_of(const Unit& unit) {
  if (unit.is_up())
    return std::vector<int>{};
  return manager_.processes_in(unit.cgroup);
}

Result<domain::Observed> Runtime::observe(const Service& service) {
  const Unit unit = TRY(manager_.show(service.unit));
  domain::Observed observed;
  observed.restarts = unit.restarts;
  if (unit.main_pid > 0 && unit.is_up()) {
    auto process = manager_.identify(unit.main_pid);
    if (!process && process.error().kind != ErrorKind::not_found)
      return std::move(process).error();
    if (process) {
      observed.is_running = true;
      observed.process = process.value();
      observed.start_id = unit.invocation;
      observed.pids = TRY(manager_.processes_in(unit.cgroup));
      const std::string folder = TRY(folder_of(service, unit));
      observed.release_folder = folder.empty() ? unknown_folder : folder;
      return observed;
    }
  }
  observed.strays = static_cast<int>(TRY(left_of(unit)).size());
  observed.detail = state_of(unit);
  if (observed.strays > 0)
    observed.detail += ", but " + std::to_string(observed.strays) + " of its processes still run";
  return observed;
}

Result<std::optional<std::string>> Runtime::current_folder(const Service& service) {
  if (!service.run.empty())
    return folder_in(TRY(text_or_empty(world_.files, drop_in(service, "release"))));
  auto target = world_.files.read_link(service.releases_folder + "/current");
  if (!target && target.error().kind == ErrorKind::not_found)
    return std::optional<std::string>{};
  if (!target)
    return std::move(target).error();
  return std::optional{base::absolute_path(target.value(), service.releases_folder)};
}

// systemd has read our drop-in, and no other one is stronger.
Result<> Runtime::check_loaded(const Service& service, const std::string& folder) {
  const std::string path = drop_in(service, "release");
  Unit unit = TRY(manager_.show(service.unit));
  Definition loaded = TRY(manager_.definition(service.unit));
  // The interpreter of two releases may be the same: the variable is not.
  if (!unit.drop_ins.contains(path) || unit.needs_reload ||
      !loaded.environment.contains("BELAY_RELEASE=" + folder)) {
    TRY(manager_.reload());
    unit = TRY(manager_.show(service.unit));
    loaded = TRY(manager_.definition(service.unit));
  }
  if (!unit.is_loaded())
    return no_unit(unit);
  const std::string wanted = releases_.program_of(service, folder);
  const bool is_ours = wanted.starts_with('/') ? loaded.program == wanted
                                               : base::name_of_path(loaded.program) == wanted;
  if (unit.drop_ins.contains(path) && !unit.needs_reload && is_ours)
    return ok();
  return Error{ErrorKind::conflict,
               "unit '" + service.unit + "' would run '" + loaded.program + "', not '" + wanted +
                   "' of '" + path + "'",
               "Another drop-in that sorts after it sets ExecStart= too: see 'systemctl cat " +
                   service.unit + "'."};
}

Result<> Runtime::load_release(const Service& service, const std::string& folder) {
  const auto fill = [&](const std::string& text) {
    return base::fill(text, {{"release", folder}, {"project", project_folder_}});
  };
  ReleaseText text;
  text.stack = stack_;
  text.folder = folder;
  for (const std::string& word : service.run)
    text.argv.push_back(fill(word));
  text.argv.front() = releases_.program_of(service, folder);
  text.working_folder = fill(service.working_folder);
  for (const domain::EnvironmentEntry& entry : service.environment)
    if (const auto* value = std::get_if<std::string>(&entry.value))
      text.environment.emplace_back(entry.name, fill(*value));
  const std::string path = drop_in(service, "release");
  const std::string wanted = release_drop_in(text);
  if (TRY(text_or_empty(world_.files, path)) != wanted) {
    TRY(write_drop_in(world_.files, path, wanted));
    // A time-out is no answer: check_loaded looks whether it was read.
    if (auto done = manager_.reload(); !done && done.error().kind != ErrorKind::unknown_outcome)
      return done;
  }
  return check_loaded(service, folder);
}

Result<> Runtime::switch_to(const Service& service, const domain::Release& release) {
  if (base::parent_of(release.folder) != service.releases_folder)
    return Error{ErrorKind::invalid_input,
                 "release '" + release.label + "' is in '" + release.folder + "', not in '" +
                     service.releases_folder + "'",
                 "Set `releases:` of service '" + service.name + "' to what it was."};
  if (!TRY(world_.files.info(release.folder)))
    return Error{ErrorKind::not_found, "the release folder '" + release.folder + "' is gone", ""};
  const auto current = TRY(current_folder(service));
  if (current != release.folder) {
    // What runs now, or ran last, stays known; what starts in the middle of this does not.
    const Unit unit = TRY(manager_.show(service.unit));
    const std::string folder = TRY(folder_of(service, unit));
    TRY(write_starts(service, {unit.invocation, folder, ""}));
  }
  if (!service.run.empty())
    return load_release(service, release.folder);
  return current == release.folder ? ok()
                                   : world_.files.replace_link(service.releases_folder + "/current",
                                                               base::name_of_path(release.folder));
}

// A sleep ends at once when the operator asks us to stop: then we must not go round for nothing.
Result<> Runtime::wait(const Service& service) {
  if (world_.clock.stop_requested())
    return Error{ErrorKind::interrupted,
                 "interrupted while waiting for unit '" + service.unit + "'",
                 "Run 'belay resume' to go on, or 'belay abort' to go back."};
  world_.clock.sleep_for(poll_every);
  return ok();
}

Result<> Runtime::wait_for_start(const Service& service) {
  const auto deadline =
      world_.clock.monotonic() + std::max(start_timeout_min, service.ready.within);
  for (;;) {
    const Unit unit = TRY(manager_.show(service.unit));
    if (unit.is_up() && unit.main_pid > 0)
      return ok();
    if (!is_on_its_way(unit)) {
      if (!unit.assert_ok || !unit.condition_ok)
        return Error{ErrorKind::failed,
                     "systemd did not start unit '" + unit.name + "': " +
                         (unit.assert_ok ? "a Condition" : "an Assert") + "...= of it is not met",
                     "'systemctl status " + unit.name + "' says which."};
      return Error{ErrorKind::failed, state_of(unit) + ", right after it was started",
                   "'systemctl status " + unit.name + "' and its log say why."};
    }
    if (world_.clock.monotonic() >= deadline)
      return Error{ErrorKind::failed, state_of(unit) + ", and has no main process yet",
                   "Look at its ExecStartPre= and at what it waits for: systemctl list-jobs."};
    TRY(wait(service));
  }
}

Result<> Runtime::start_unit(const Service& service) {
  std::vector<std::string> units;
  if (TRY(world_.files.info(drop_in(service, "hold")))) {
    TRY(world_.files.replace(own_file(service, "may-start"), ""));
    // A service that is handed its socket needs the socket that the hold has closed.
    for (std::string& unit : TRY(read_held(service)).triggers)
      if (unit.ends_with(".socket"))
        units.push_back(std::move(unit));
  }
  units.push_back(service.unit);
  // Its failures so far must not count against this start. A unit that systemd has forgotten has
  // none, and says so with an error.
  (void)manager_.reset_failed(service.unit);
  if (auto asked = manager_.ask_start(units);
      !asked && asked.error().kind != ErrorKind::unknown_outcome)
    return asked;
  return wait_for_start(service);
}

Result<> Runtime::start(const Service& service) {
  const auto folder = TRY(current_folder(service));
  if (!folder)
    return Error{ErrorKind::not_found, "service '" + service.name + "' has no current release", ""};
  if (!TRY(world_.files.info(*folder)))
    return Error{ErrorKind::not_found,
                 "the current release '" + *folder + "' of service '" + service.name + "' is gone",
                 "Put it back, or upgrade to a release that is there."};
  Unit unit = TRY(manager_.show(service.unit));
  if (!unit.is_loaded())
    return no_unit(unit);
  // Begun by us before we died, or by systemd, and not there yet.
  if (unit.is_up() && unit.main_pid == 0 && TRY(folder_of(service, unit)) == *folder)
    return wait_for_start(service);
  const domain::Observed observed = TRY(observe(service));
  if (observed.is_running && observed.release_folder == *folder)
    return ok();
  if (observed.is_running)
    return Error{ErrorKind::conflict,
                 "service '" + service.name + "' still runs from '" + observed.release_folder + "'",
                 "Stop it first: systemctl stop " + service.unit + "."};
  if (unit.is_up() || observed.strays > 0)
    return Error{ErrorKind::conflict, "service '" + service.name + "': " + observed.detail,
                 "Stop it first: systemctl stop " + service.unit + "."};
  if (!service.run.empty())
    TRY(load_release(service, *folder));
  // Before the start: dying between the two leaves something that is true.
  const std::string last = TRY(folder_of(service, unit));
  TRY(write_starts(service, {unit.invocation, last, *folder}));
  TRY(start_unit(service));
  unit = TRY(manager_.show(service.unit));
  return write_starts(service, {unit.invocation, *folder, *folder});
}

Result<bool> Runtime::is_gone_by(const Service& service, Milliseconds deadline) {
  for (;;) {
    const Unit unit = TRY(manager_.show(service.unit));
    if (!unit.is_up() && !unit.has_job && TRY(left_of(unit)).empty())
      return true;
    if (world_.clock.monotonic() >= deadline)
      return false;
    TRY(wait(service));
  }
}

// The unit says which signal it wants; who is left when the time is over gets KILL.
Result<> Runtime::stop(const Service& service) {
  TRY(world_.files.remove(own_file(service, "may-start")));
  const Unit unit = TRY(manager_.show(service.unit));
  std::vector<std::string> units{service.unit};
  for (std::string& trigger : TRY(read_held(service)).triggers)
    if (trigger.ends_with(".socket"))
      units.push_back(std::move(trigger));
  if (!unit.is_up() && !unit.has_job && units.size() == 1 && TRY(left_of(unit)).empty())
    return ok();
  if (auto asked = unit.is_loaded() || unit.is_up() ? manager_.ask_stop(units) : ok();
      !asked && asked.error().kind != ErrorKind::unknown_outcome)
    return asked;
  if (TRY(is_gone_by(service, world_.clock.monotonic() + service.stop.timeout)))
    return ok();
  if (auto killed = manager_.kill_all(service.unit);
      !killed && killed.error().kind != ErrorKind::unknown_outcome)
    return killed;
  if (TRY(is_gone_by(service, world_.clock.monotonic() + kill_timeout)))
    return ok();
  return Error{ErrorKind::failed,
               "unit '" + service.unit + "' does not end: it survives KILL: " +
                   state_of(TRY(manager_.show(service.unit))),
               "It may hang in the kernel (a dead disk or mount). Look at it with ps."};
}

Result<std::string> Runtime::log_at_most(const Service& service, int lines, std::size_t bytes_max) {
  std::string invocation = TRY(manager_.show(service.unit)).invocation;
  if (invocation.empty()) // systemd has forgotten it; we have not
    invocation = TRY(read_starts(service)).invocation;
  if (invocation.empty())
    return std::string{};
  return manager_.log(invocation, lines, bytes_max);
}

Result<std::string> Runtime::log_tail(const Service& service, int lines) {
  std::string text = TRY(log_at_most(service, lines, tail_bytes_max));
  while (text.ends_with('\n'))
    text.pop_back();
  return text;
}

Result<std::string> Runtime::log_of_start(const Service& service, std::size_t bytes_max) {
  return log_at_most(service, log_lines_max, bytes_max);
}

Result<std::uint64_t> Runtime::memory_bytes(const Service& service) {
  std::vector<world::ProcessId> all;
  const Unit unit = TRY(manager_.show(service.unit));
  for (const int pid : TRY(manager_.processes_in(unit.cgroup))) {
    auto process = manager_.identify(pid);
    if (process)
      all.push_back(std::move(process).value());
    else if (process.error().kind != ErrorKind::not_found) // it has ended since
      return std::move(process).error();
  }
  if (all.empty())
    return Error{ErrorKind::not_found, state_of(unit), ""};
  return world_.processes.memory_bytes(all);
}

Result<> Runtime::discard(const Service& service, const domain::Release& release) {
  if (base::parent_of(release.folder) != service.releases_folder)
    return Error{ErrorKind::invalid_input, "'" + release.folder + "' is not a release folder", ""};
  const domain::Observed observed = TRY(observe(service));
  // Of a start that belay knows nothing of, it does not know what it must not remove.
  if (observed.is_running &&
      (observed.release_folder == release.folder || observed.release_folder == unknown_folder))
    return Error{ErrorKind::conflict,
                 "release '" + release.label + "' may be in use by unit '" + service.unit + "'",
                 ""};
  if (TRY(current_folder(service)) == release.folder)
    return Error{ErrorKind::conflict, "release '" + release.label + "' is the current one", ""};
  return releases_.remove(service, base::name_of_path(release.folder));
}

} // namespace drivers::systemd
