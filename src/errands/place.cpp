#include "errands/place.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cstdlib>

namespace errands {

using base::Result;

namespace {
constexpr const char* tag_name = "BELAY_ERRAND";
}

Result<Place> place_of(app::Host host, const std::string& program) {
  const config::Loaded loaded = TRY(app::load(host));
  return Place{std::move(host), program, loaded.stack.name, loaded.stack.state_folder,
               loaded.stack.project_folder};
}

std::string errands_folder(const Place& place) {
  return place.state_folder + "/errands";
}

Result<world::ProcessId> start(const Place& place, const std::string& folder,
                               const std::vector<std::string>& arguments) {
  world::ServiceStart start;
  start.argv = {place.program, "--config", place.host.config_path, "--json"};
  start.argv.insert(start.argv.end(), arguments.begin(), arguments.end());
  start.working_folder = place.project_folder;
  start.environment.assign(place.host.environment.begin(), place.host.environment.end());
  start.environment.emplace_back(tag_name, folder);
  start.environment.emplace_back("BELAY_STATUS_FILE", folder + "/status");
  start.log_path = folder + "/log";
  start.lock_path = folder + "/start";
  return place.host.world.processes.start(start);
}

std::optional<int> status_in(world::Files& files, const std::string& folder) {
  const auto text = files.read(folder + "/status", 64);
  return text ? std::optional{std::atoi(text.value().c_str())} : std::nullopt;
}

Result<bool> is_alive_in(const Place& place, const std::string& folder) {
  const auto found = TRY(place.host.world.processes.find(folder + "/start", tag_name, folder));
  return std::ranges::any_of(found, [](const auto& process) { return process.is_leader; });
}

} // namespace errands
