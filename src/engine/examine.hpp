#pragma once
// Examine: what forbids an upgrade, looked at before anything is touched. Read-only.

#include "engine/engine.hpp"

#include <string>
#include <vector>

namespace engine {

struct Examination {
  std::vector<std::string> blockers;
  std::vector<std::string> warnings;
  std::vector<domain::Finding> findings; // of the preflight; what matters of them is above too
  std::vector<std::string> migrations;   // that would run, for people
  std::string migrations_basis;          // what they are made from; empty without any file
  world::TreeSize stores;                // of all stores together
  std::uint64_t disk_bytes = 0;          // that the kept copies may need
  std::uint64_t disk_free_bytes = 0;     // on the fullest file system involved
  bool is_running = false;               // every service runs, from the current generation
};

// `to` empty: only what needs no target. `evidence`: what somebody vouches for.
Examination examine(world::World world, const Settings& settings, Drivers drivers,
                    const state::Folder& folder, const std::string& to,
                    const std::vector<domain::GivenEvidence>& evidence);

} // namespace engine
