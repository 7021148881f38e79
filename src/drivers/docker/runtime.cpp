#include "drivers/docker/runtime.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <charconv>

namespace drivers::docker {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::Milliseconds;

namespace {

constexpr std::size_t tail_bytes_max = 8192;
constexpr int log_lines_max = 100'000;
constexpr const char* unknown_folder = "(unknown)";

bool runs(const Json& container) {
  const Json& state = part(container, "State");
  return truth(state, "Running") && !truth(state, "Restarting");
}

std::string how_it_ended(const Json& state) {
  std::string said = "ended with exit status " + std::to_string(number(state, "ExitCode"));
  if (truth(state, "OOMKilled"))
    said += ", killed for want of memory";
  if (const std::string error = text(state, "Error"); !error.empty())
    said += ": " + base::printable(error);
  return said;
}

std::string state_of(const Json& container) {
  const Json& state = part(container, "State");
  const std::string name = "container '" + base::name_of_path(text(container, "Name")) + "' ";
  if (truth(state, "Restarting"))
    return name + "is restarted again and again: it " + how_it_ended(state);
  if (text(state, "Status") == "created")
    return name + "was never started" +
           (text(state, "Error").empty() ? "" : ": " + base::printable(text(state, "Error")));
  return name + how_it_ended(state);
}

std::vector<int> published_ports(const Json& container) {
  std::vector<int> ports;
  for (const auto& [inner, places] : part(part(container, "NetworkSettings"), "Ports").items())
    if (inner.ends_with("/tcp") && places.is_array())
      for (const Json& place : places)
        if (const int port = std::atoi(text(place, "HostPort").c_str()); port > 0)
          ports.push_back(port);
  return ports;
}

domain::Health health_of(const Json& container) {
  const std::string status = text(part(part(container, "State"), "Health"), "Status");
  if (status == "starting")
    return domain::Health::starting;
  if (status == "healthy")
    return domain::Health::healthy;
  return status == "unhealthy" ? domain::Health::unhealthy : domain::Health::unknown;
}

std::string last_check(const Json& container) {
  const Json& log = list(part(part(container, "State"), "Health"), "Log");
  return log.empty() ? "" : text(log.back(), "Output").substr(0, 300);
}

} // namespace

Runtime::Runtime(world::World world, std::string stack, std::string state_folder,
                 std::string socket, SecretReader read_secret, std::vector<std::string> held)
    : world_{world}, stack_{std::move(stack)}, state_folder_{std::move(state_folder)},
      read_secret_{std::move(read_secret)}, held_{std::move(held)}, client_{world,
                                                                            std::move(socket)} {}

std::string Runtime::key_of(const Service& service) const {
  return base::sha256_hex(state_folder_ + "/" + service.name).substr(0, 16);
}

std::string Runtime::held_path(const Service& service) const {
  return state_folder_ + "/run/" + service.name + ".held";
}

// Its name, and those that begin with it and are ours.
Result<Runtime::Found> Runtime::find(const Service& service) {
  Found found;
  const std::string live = "/" + service.container;
  const std::string kept = live + ".belay-";
  for (const Json& listed : TRY(client_.containers()))
    for (const Json& name : list(listed, "Names")) {
      const std::string is = name.is_string() ? name.get<std::string>() : "";
      if (is != live && !is.starts_with(kept))
        continue;
      auto container = TRY(client_.container(text(listed, "Id")));
      if (!container) // it went away meanwhile
        continue;
      if (is == live)
        found.live = std::move(container);
      else if (is == kept + "making")
        found.making = std::move(container);
      else
        found.kept.push_back(std::move(*container));
    }
  return found;
}

Result<> Runtime::check_is_ours(const Service& service, const Json& container) {
  const std::string key = label(container, "belay.key");
  if (key.empty() || key == key_of(service))
    return ok();
  return Error{ErrorKind::conflict,
               "container '" + service.container + "' belongs to service '" +
                   label(container, "belay.service") + "' of stack '" +
                   label(container, "belay.stack") + "' of another belay.yaml",
               "Upgrade it there, or name another container."};
}

// An engine in a virtual machine has processes that we do not see.
Result<world::ProcessId> Runtime::identify(int pid) {
  const std::string stat =
      TRY(world_.files.read("/proc/" + std::to_string(pid) + "/stat", 1U << 16U));
  const auto fields = base::split(stat.substr(stat.rfind(')') + 1), ' ');
  world::ProcessId id;
  id.pid = pid;
  if (fields.size() > 20)
    std::from_chars(fields[20].data(), fields[20].data() + fields[20].size(), id.start_ticks);
  id.boot_id = TRY(world_.processes.self()).boot_id;
  return id;
}

Result<domain::Observed> Runtime::observe(const Service& service) {
  domain::Observed observed;
  const Found found = TRY(find(service));
  std::vector<const Json*> others;
  for (const Json& kept : found.kept)
    others.push_back(&kept);
  if (found.making)
    others.push_back(&*found.making);
  for (const Json* other : others)
    if (runs(*other)) {
      ++observed.strays;
      observed.detail = "container '" + base::name_of_path(text(*other, "Name")) +
                        "' runs, which belay keeps for a way back: stop it";
    }
  if (!found.live) {
    if (observed.detail.empty())
      observed.detail = "there is no container '" + service.container + "'";
    return observed;
  }
  const Json& live = *found.live;
  if (!runs(live)) {
    if (observed.detail.empty())
      observed.detail = state_of(live);
    return observed;
  }
  observed.is_running = true;
  observed.start_id = text(live, "Id").substr(0, 12) + "@" + text(part(live, "State"), "StartedAt");
  observed.restarts = static_cast<int>(number(live, "RestartCount"));
  observed.ports = published_ports(live);
  observed.health = health_of(live);
  if (observed.health == domain::Health::unhealthy)
    observed.detail = last_check(live);
  if (auto process = identify(static_cast<int>(number(part(live, "State"), "Pid"))))
    observed.process = std::move(process).value();
  if (text(part(live, "HostConfig"), "NetworkMode") == "host")
    if (auto pids = client_.pids(text(live, "Id")))
      observed.pids = std::move(pids).value();
  const bool is_ours = label(live, "belay.key") == key_of(service);
  observed.release_folder = is_ours ? label(live, "belay.folder") : unknown_folder;
  return observed;
}

Result<std::optional<std::string>> Runtime::current_folder(const Service& service) {
  auto target = world_.files.read_link(service.releases_folder + "/current");
  if (!target && target.error().kind == ErrorKind::not_found)
    return std::optional<std::string>{};
  if (!target)
    return std::move(target).error();
  return std::optional{base::absolute_path(target.value(), service.releases_folder)};
}

Result<> Runtime::switch_to(const Service& service, const domain::Release& release) {
  if (base::parent_of(release.folder) != service.releases_folder)
    return Error{ErrorKind::invalid_input,
                 "release '" + release.label + "' is in '" + release.folder + "', not in '" +
                     service.releases_folder + "'",
                 "Set `releases:` of service '" + service.name + "' to what it was."};
  const Release wanted = TRY(read_release(release.folder));
  if (TRY(current_folder(service)) != release.folder)
    TRY(world_.files.replace_link(service.releases_folder + "/current",
                                  base::name_of_path(release.folder)));
  return arrange(service, wanted);
}

Result<> Runtime::start_arranged(const Service& service, const Release& release) {
  const auto live = TRY(client_.container(service.container));
  if (!live)
    return Error{ErrorKind::conflict,
                 "container '" + service.container + "' was removed while it was to be started",
                 "Find who removes containers here (a prune in cron, an updater), and stop it."};
  if (!runs(*live)) {
    const auto started = client_.start(text(*live, "Id"));
    const auto now = TRY(client_.container(service.container));
    if (!started && !(now && runs(*now))) {
      const std::string& said = started.error().message;
      const bool is_port = said.contains("already allocated") || said.contains("already in use");
      return Error{ErrorKind::failed,
                   "container '" + service.container + "' does not start: " + said,
                   is_port ? "Another container or program has that port: stop it." : ""};
    }
  }
  if (truth(part(*live, "State"), "Paused"))
    TRY(client_.unpause(text(*live, "Id")));
  if (TRY(read_held(service)))
    return ok();
  return set_policy(*live, restart_policy(release.record));
}

Result<> Runtime::start(const Service& service) {
  const auto folder = TRY(current_folder(service));
  if (!folder)
    return Error{ErrorKind::not_found, "service '" + service.name + "' has no current release", ""};
  const Release release = TRY(read_release(*folder));
  TRY(note_start(service));
  TRY(arrange(service, release));
  return start_arranged(service, release);
}

Result<std::string> Runtime::log_of_start(const Service& service, std::size_t bytes_max) {
  const auto live = TRY(client_.container(service.container));
  if (!live)
    return std::string{};
  return client_.logs(text(*live, "Id"), log_lines_max, text(part(*live, "State"), "StartedAt"),
                      bytes_max);
}

Result<std::string> Runtime::log_tail(const Service& service, int lines) {
  const auto live = TRY(client_.container(service.container));
  if (!live)
    return std::string{};
  std::string tail = TRY(client_.logs(text(*live, "Id"), lines,
                                      text(part(*live, "State"), "StartedAt"), tail_bytes_max));
  while (tail.ends_with('\n'))
    tail.pop_back();
  return tail;
}

Result<std::uint64_t> Runtime::memory_bytes(const Service& service) {
  const auto live = TRY(client_.container(service.container));
  if (!live || !runs(*live))
    return Error{ErrorKind::not_found, "container '" + service.container + "' does not run", ""};
  std::vector<world::ProcessId> all;
  for (const int pid : TRY(client_.pids(text(*live, "Id"))))
    if (auto process = identify(pid))
      all.push_back(std::move(process).value());
  return world_.processes.memory_bytes(all);
}

Result<std::vector<domain::Mount>> Runtime::mounts(const Service& service) {
  const auto live = TRY(client_.container(service.container));
  if (!live)
    return Error{ErrorKind::not_found, "there is no container '" + service.container + "'", ""};
  return mounts_of(*live);
}

Result<> Runtime::discard(const Service& service, const domain::Release& release) {
  if (base::parent_of(release.folder) != service.releases_folder)
    return Error{ErrorKind::invalid_input, "'" + release.folder + "' is not a release folder", ""};
  if (TRY(current_folder(service)) == release.folder)
    return Error{ErrorKind::conflict, "release '" + release.label + "' is the current one", ""};
  const Found found = TRY(find(service));
  if (found.live && label(*found.live, "belay.folder") == release.folder)
    return Error{
        ErrorKind::conflict,
        "release '" + release.label + "' is in use by container '" + service.container + "'", ""};
  for (const Json& kept : found.kept)
    if (label(kept, "belay.key") == key_of(service) &&
        label(kept, "belay.folder") == release.folder && !runs(kept))
      TRY(client_.remove(text(kept, "Id")));
  const std::string pin = TRY(pin_of(release.folder));
  bool is_needed = pin.empty(); // another release of the same image has the same pin
  for (const std::string& name : TRY(world_.files.list(service.releases_folder)))
    if (name != base::name_of_path(release.folder) && name != "current")
      is_needed = is_needed || TRY(pin_of(service.releases_folder + "/" + name)) == pin;
  if (!is_needed)
    TRY(client_.untag(pin));
  return world_.trees.remove(release.folder);
}

} // namespace drivers::docker
