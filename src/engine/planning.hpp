#pragma once
// Planning: makes plans, and tells whether one is still true.

#include "engine/engine.hpp"

#include <string>

namespace engine {

// Digest of everything that a plan depends on: what runs, the effective configuration, the bytes
// of the config files, the target. Times and sizes are not in it: they change by themselves.
base::Result<std::string> basis_of(world::World world, const Settings& settings, Drivers drivers,
                                   const state::Folder& folder, const state::Plan& plan);

} // namespace engine
