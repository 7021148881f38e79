#pragma once
// Place: where errands of one stack are kept, and what runs them. An errand is a belay of its own
// that was started for somebody who asked over MCP or HTTP: it outlives who asked, and us.

#include "app/app.hpp"

#include <string>
#include <vector>

namespace errands {

struct Place {
  app::Host host;      // names the belay.yaml
  std::string program; // what runs an errand
  std::string stack;
  std::string state_folder;
  std::string project_folder;
};

// Reads the belay.yaml; invalid_input, not_found as app::load.
base::Result<Place> place_of(app::Host host, const std::string& program);

// Who asked and what was asked for is kept below it, 0700 (docs/formats/errands.md).
std::string errands_folder(const Place& place);

// Starts `belay --json ARGUMENTS` detached. What it prints goes to FOLDER/log, and its exit status
// to FOLDER/status as its last act; FOLDER must exist.
base::Result<world::ProcessId> start(const Place& place, const std::string& folder,
                                     const std::vector<std::string>& arguments);
// The exit status that it left; nothing: it runs, or died.
std::optional<int> status_in(world::Files& files, const std::string& folder);
// By the name of the folder, for who does not know the process: one that was started and lives.
base::Result<bool> is_alive_in(const Place& place, const std::string& folder);

} // namespace errands
