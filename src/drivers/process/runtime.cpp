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
constexpr std::size_t log_bytes_max = 64U << 20U;

std::string tag(const world::ProcessInfo& process, std::string_view name) {
  for (const auto& [key, value] : process.tags)
    if (key == name)
      return value;
  return "";
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
      base_environment_{std::move(base_environment)}, releases_{world, project_folder_} {}

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
  const world::ProcessInfo* leader = nullptr;
  for (const world::ProcessInfo& process : processes) {
    if (!process.is_leader)
      continue;
    // A service may make sessions of its own: its oldest leader is the one that we started.
    if (leader == nullptr || process.id.start_ticks < leader->id.start_ticks ||
        (process.id.start_ticks == leader->id.start_ticks && process.id.pid < leader->id.pid))
      leader = &process;
  }
  if (leader != nullptr) {
    observed.is_running = true;
    observed.process = leader->id;
    observed.release_folder = tag(*leader, "BELAY_RELEASE");
    observed.start_id = tag(*leader, "BELAY_START");
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
  start.argv.front() = Releases::program_of(service, *folder);
  start.working_folder = service.working_folder.empty()
                             ? *folder
                             : base::fill(service.working_folder,
                                          {{"release", *folder}, {"project", project_folder_}});
  start.environment = TRY(environment_of(service, *folder));
  start.log_path = log_path(service);
  start.lock_path = lock_path(service);
  TRY(world_.files.create_folders(base::parent_of(start.lock_path)));
  TRY(world_.files.create_folders(base::parent_of(start.log_path)));
  TRY(world_.files.append(start.log_path, "--- belay started " + base::name_of_path(*folder) +
                                              " at " + base::format_time(world_.clock.now()) +
                                              "\n"));
  TRY(world_.processes.start(start));
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
    world_.clock.sleep_for(poll_every);
  }
}

// The leader gets the signal that its author expects; whoever is left at the end gets KILL.
Result<> Runtime::stop(const domain::ServiceSpec& service) {
  const world::Signal signal = TRY(signal_named(service.stop.signal));
  const domain::Observed observed = TRY(observe(service));
  if (observed.is_running)
    TRY(world_.processes.signal(*observed.process, signal));
  const auto deadline = world_.clock.monotonic() + service.stop.timeout;
  while (world_.clock.monotonic() < deadline) {
    const auto left = TRY(processes_of(service));
    if (left.empty())
      return ok();
    if (!TRY(observe(service)).is_running)
      break; // strays know nobody who would tell them to end
    world_.clock.sleep_for(poll_every);
  }
  return kill_all(service);
}

Result<std::string> Runtime::log_tail(const domain::ServiceSpec& service, int lines) {
  auto text = world_.files.read(log_path(service), log_bytes_max);
  if (!text && text.error().kind == ErrorKind::not_found)
    return std::string{};
  if (!text)
    return std::move(text).error();
  std::string_view all = text.value();
  while (all.ends_with('\n'))
    all.remove_suffix(1);
  if (const auto begun = all.rfind("--- belay started "); begun != std::string_view::npos)
    all.remove_prefix(begun); // only what this start has said
  std::size_t from = all.size();
  for (int line = 0; line < lines && from != 0 && from != std::string_view::npos; ++line)
    from = all.rfind('\n', from - 1);
  const std::string tail{from == std::string_view::npos || from == 0 ? all : all.substr(from + 1)};
  return tail.size() > 8192 ? tail.substr(tail.size() - 8192) : tail;
}

Result<> Runtime::discard(const domain::ServiceSpec& service, const domain::Release& release) {
  if (base::parent_of(release.folder) != service.releases_folder)
    return Error{ErrorKind::invalid_input, "'" + release.folder + "' is not a release folder", ""};
  const domain::Observed observed = TRY(observe(service));
  if (TRY(current_folder(service)) == release.folder || observed.release_folder == release.folder)
    return Error{ErrorKind::conflict, "release '" + release.label + "' is in use", ""};
  if (!TRY(world_.files.info(release.folder)))
    return ok();
  // The folder loses its name at once, so that it is never half a release.
  const std::string making = service.releases_folder + "/.making-" + release.label;
  TRY(world_.trees.remove(making));
  TRY(world_.files.rename(release.folder, making));
  TRY(world_.files.remove(service.releases_folder + "/.records/" + release.label));
  return world_.trees.remove(making);
}

} // namespace drivers::process
