#include "drivers/process/runtime.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace drivers::process {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::Milliseconds;

namespace {

constexpr Milliseconds poll_every{100};
constexpr Milliseconds kill_timeout{10'000};
constexpr std::size_t log_bytes_max = 256U << 10U; // of its end
constexpr std::size_t tail_bytes_max = 8192;
// Begins what one start has said in the log.
constexpr std::string_view start_line = "--- belay started ";

std::string variable(const world::Environment& environment, std::string_view name) {
  for (const auto& [key, value] : environment)
    if (key == name)
      return value;
  return "";
}

// A service may make sessions of its own: its oldest leader is the one that we started.
const world::ProcessInfo* first_leader(const std::vector<world::ProcessInfo>& processes) {
  const world::ProcessInfo* leader = nullptr;
  for (const world::ProcessInfo& process : processes) {
    if (!process.is_leader)
      continue;
    if (leader == nullptr || process.id.start_ticks < leader->id.start_ticks ||
        (process.id.start_ticks == leader->id.start_ticks && process.id.pid < leader->id.pid))
      leader = &process;
  }
  return leader;
}

std::string pids_of(const std::vector<world::ProcessInfo>& processes) {
  std::vector<std::string> pids;
  pids.reserve(processes.size());
  for (const world::ProcessInfo& process : processes)
    pids.push_back(std::to_string(process.id.pid));
  return base::join(pids, ", ");
}

Result<world::Signal> signal_named(const std::string& name) {
  if (name == "TERM")
    return world::Signal::terminate;
  if (name == "INT")
    return world::Signal::interrupt;
  if (name == "QUIT")
    return world::Signal::quit;
  if (name == "HUP")
    return world::Signal::hang_up;
  return Error{ErrorKind::invalid_input, "'" + name + "' is not a stop signal",
               "Use TERM, INT, QUIT or HUP."};
}

} // namespace

std::string service_key(const std::string& state_folder, const std::string& service) {
  return base::sha256_hex(state_folder + "/" + service).substr(0, 16);
}

Runtime::Runtime(world::World world, std::string stack, std::string project_folder,
                 std::string state_folder, SecretReader read_secret,
                 world::Environment base_environment)
    : world_{world}, stack_{std::move(stack)}, project_folder_{std::move(project_folder)},
      state_folder_{std::move(state_folder)}, read_secret_{std::move(read_secret)},
      base_environment_{std::move(base_environment)}, releases_{
                                                          world, project_folder_,
                                                          variable(base_environment_, "PATH")} {}

std::string Runtime::lock_path(const domain::ServiceSpec& service) const {
  return state_folder_ + "/run/" + service.name + ".lock";
}

std::string Runtime::log_path(const domain::ServiceSpec& service) const {
  return service.log_path.empty() ? state_folder_ + "/log/" + service.name + ".log"
                                  : service.log_path;
}

Result<domain::Release> Runtime::prepare(const domain::ServiceSpec& service,
                                         const std::string& label) {
  return releases_.prepare(service, label);
}
Result<> Runtime::can_prepare(const domain::ServiceSpec& service, const std::string& label) {
  return releases_.can_prepare(service, label);
}
Result<> Runtime::verify(const domain::ServiceSpec& service, const domain::Release& release) {
  return releases_.verify(service, release);
}

Result<std::vector<world::ProcessInfo>> Runtime::processes_of(const domain::ServiceSpec& service) {
  return world_.processes.find(lock_path(service), "BELAY_SERVICE",
                               service_key(state_folder_, service.name));
}

Result<domain::Observed> Runtime::observe(const domain::ServiceSpec& service) {
  domain::Observed observed;
  const auto processes = TRY(processes_of(service));
  if (const world::ProcessInfo* leader = first_leader(processes)) {
    observed.start_id = variable(leader->tags, "BELAY_START");
    const bool runs_twice = std::ranges::any_of(processes, [&](const auto& process) {
      return process.is_leader && variable(process.tags, "BELAY_START") != observed.start_id;
    });
    if (runs_twice)
      return Error{ErrorKind::conflict,
                   "service '" + service.name + "' runs more than once: pids " + pids_of(processes),
                   "Somebody else started it with belay's variables; stop all but one."};
    observed.is_running = true;
    observed.process = leader->id;
    observed.release_folder = variable(leader->tags, "BELAY_RELEASE");
    return observed;
  }
  observed.strays = static_cast<int>(processes.size());
  observed.detail = observed.strays == 0
                        ? "no process of it is there"
                        : "its first process ended but " + std::to_string(observed.strays) +
                              " of its processes still run: run it in the foreground";
  return observed;
}

Result<std::optional<std::string>> Runtime::current_folder(const domain::ServiceSpec& service) {
  auto target = world_.files.read_link(service.releases_folder + "/current");
  if (!target && target.error().kind == ErrorKind::not_found)
    return std::optional<std::string>{};
  if (!target)
    return std::move(target).error();
  return std::optional{base::absolute_path(target.value(), service.releases_folder)};
}

Result<> Runtime::switch_to(const domain::ServiceSpec& service, const domain::Release& release) {
  // A link to a name that is not there would be found out only by the next start.
  if (base::parent_of(release.folder) != service.releases_folder)
    return Error{ErrorKind::invalid_input,
                 "release '" + release.label + "' is in '" + release.folder + "', not in '" +
                     service.releases_folder + "'",
                 "Set `releases:` of service '" + service.name + "' to what it was."};
  if (!TRY(world_.files.info(release.folder)))
    return Error{ErrorKind::not_found, "the release folder '" + release.folder + "' is gone", ""};
  if (TRY(current_folder(service)) == release.folder)
    return ok();
  return world_.files.replace_link(service.releases_folder + "/current",
                                   base::name_of_path(release.folder));
}

Result<world::Environment> Runtime::environment_of(const domain::ServiceSpec& service,
                                                   const std::string& folder) {
  world::Environment environment = base_environment_;
  const auto set = [&](const std::string& name, std::string value) {
    std::erase_if(environment, [&](const auto& entry) { return entry.first == name; });
    environment.emplace_back(name, std::move(value));
  };
  for (const domain::EnvironmentEntry& entry : service.environment) {
    if (const auto* text = std::get_if<std::string>(&entry.value))
      set(entry.name, base::fill(*text, {{"release", folder}, {"project", project_folder_}}));
    else
      set(entry.name, TRY_CONTEXT(read_secret_(std::get<domain::SecretRef>(entry.value)),
                                  "variable '" + entry.name + "'"));
  }
  set("BELAY_STACK", stack_);
  set("BELAY_SERVICE", service_key(state_folder_, service.name));
  set("BELAY_RELEASE", folder);
  set("BELAY_START", world_.random.hex(16));
  return environment;
}

Result<> Runtime::start(const domain::ServiceSpec& service) {
  const auto folder = TRY(current_folder(service));
  if (!folder)
    return Error{ErrorKind::not_found, "service '" + service.name + "' has no current release", ""};
  if (!TRY(world_.files.info(*folder)))
    return Error{ErrorKind::not_found,
                 "the current release '" + *folder + "' of service '" + service.name + "' is gone",
                 "Put it back, or upgrade to a release that is there."};
  const domain::Observed observed = TRY(observe(service));
  if (observed.is_running) {
    if (observed.release_folder == *folder)
      return ok();
    return Error{ErrorKind::conflict,
                 "service '" + service.name + "' still runs from '" + observed.release_folder + "'",
                 "Stop it first."};
  }
  if (observed.strays > 0)
    return Error{ErrorKind::conflict, "service '" + service.name + "': " + observed.detail,
                 "Stop those processes, and start the service in the foreground."};
  world::ServiceStart start;
  for (const std::string& word : service.run)
    start.argv.push_back(base::fill(word, {{"release", *folder}, {"project", project_folder_}}));
  start.argv.front() = releases_.program_of(service, *folder);
  start.working_folder = service.working_folder.empty()
                             ? *folder
                             : base::fill(service.working_folder,
                                          {{"release", *folder}, {"project", project_folder_}});
  start.environment = TRY(environment_of(service, *folder));
  start.log_path = log_path(service);
  start.lock_path = lock_path(service);
  TRY(world_.files.create_folders(base::parent_of(start.lock_path)));
  TRY(world_.files.create_folders(base::parent_of(start.log_path)));
  TRY(world_.files.append(start.log_path, std::string{start_line} + base::name_of_path(*folder) +
                                              " at " + base::format_time(world_.clock.now()) +
                                              "\n"));
  TRY(world_.processes.start(start));
  return ok();
}

// A sleep ends at once when the operator asks us to stop: then we must not go round for nothing.
Result<> Runtime::wait(const domain::ServiceSpec& service) {
  if (world_.clock.stop_requested())
    return Error{ErrorKind::interrupted,
                 "interrupted while service '" + service.name + "' was being stopped",
                 "Run 'belay resume' to go on, or 'belay abort' to go back."};
  world_.clock.sleep_for(poll_every);
  return ok();
}

Result<> Runtime::kill_all(const domain::ServiceSpec& service) {
  const auto deadline = world_.clock.monotonic() + kill_timeout;
  for (;;) {
    const auto processes = TRY(processes_of(service));
    if (processes.empty())
      return ok();
    for (const world::ProcessInfo& process : processes)
      TRY(world_.processes.signal(process.id, world::Signal::kill));
    if (world_.clock.monotonic() >= deadline)
      return Error{ErrorKind::failed,
                   "service '" + service.name + "' does not end: pid " +
                       std::to_string(processes.front().id.pid) + " survives KILL",
                   "It may hang in the kernel (a dead disk or mount). Look at it with ps."};
    TRY(wait(service));
  }
}

// The leader gets the signal that its author expects, and time for all it started; those whom it
// leaves behind get the signal then, for they may have something to write. Who is left gets KILL.
Result<> Runtime::stop(const domain::ServiceSpec& service) {
  const world::Signal signal = TRY(signal_named(service.stop.signal));
  const auto deadline = world_.clock.monotonic() + service.stop.timeout;
  std::vector<world::ProcessId> told;
  for (;;) {
    const auto left = TRY(processes_of(service));
    if (left.empty())
      return ok();
    if (world_.clock.monotonic() >= deadline)
      return kill_all(service);
    const world::ProcessInfo* leader = first_leader(left);
    for (const world::ProcessInfo& process : left) {
      const bool is_next = leader == nullptr || process.id == leader->id;
      if (!is_next || std::ranges::find(told, process.id) != told.end())
        continue;
      TRY(world_.processes.signal(process.id, signal));
      told.push_back(process.id);
    }
    TRY(wait(service));
  }
}

Result<std::string> Runtime::log_of_start(const domain::ServiceSpec& service,
                                          std::size_t bytes_max) {
  auto text = world_.files.read_end(log_path(service), bytes_max);
  if (!text && text.error().kind == ErrorKind::not_found)
    return std::string{};
  if (!text)
    return std::move(text).error();
  const auto begun = text.value().rfind(start_line);
  return begun == std::string::npos ? std::move(text).value() : text.value().substr(begun);
}

Result<std::uint64_t> Runtime::memory_bytes(const domain::ServiceSpec& service) {
  std::vector<world::ProcessId> all;
  for (const world::ProcessInfo& process : TRY(processes_of(service)))
    all.push_back(process.id);
  if (all.empty())
    return Error{ErrorKind::not_found, "no process of service '" + service.name + "' is there", ""};
  return world_.processes.memory_bytes(all);
}

Result<std::string> Runtime::log_tail(const domain::ServiceSpec& service, int lines) {
  const std::string text = TRY(log_of_start(service, log_bytes_max));
  std::string_view all = text;
  while (all.ends_with('\n'))
    all.remove_suffix(1);
  std::size_t from = all.size() + 1;
  for (int line = 0; line < lines && from != 0; ++line) {
    const auto newline = from < 2 ? std::string_view::npos : all.rfind('\n', from - 2);
    from = newline == std::string_view::npos ? 0 : newline + 1;
  }
  if (from > all.size())
    return std::string{};
  const std::string_view tail = all.substr(from);
  return std::string{tail.substr(tail.size() - std::min(tail.size(), tail_bytes_max))};
}

Result<> Runtime::discard(const domain::ServiceSpec& service, const domain::Release& release) {
  if (base::parent_of(release.folder) != service.releases_folder)
    return Error{ErrorKind::invalid_input, "'" + release.folder + "' is not a release folder", ""};
  for (const world::ProcessInfo& process : TRY(processes_of(service)))
    if (variable(process.tags, "BELAY_RELEASE") == release.folder)
      return Error{
          ErrorKind::conflict,
          "release '" + release.label + "' is in use by pid " + std::to_string(process.id.pid), ""};
  if (TRY(current_folder(service)) == release.folder)
    return Error{ErrorKind::conflict, "release '" + release.label + "' is the current one", ""};
  return releases_.remove(service, base::name_of_path(release.folder));
}

} // namespace drivers::process
