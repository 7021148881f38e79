#pragma once
// Look: gathers the evidence in a folder and on this machine. Changes nothing. It asks the ports of
// processes that work in the folder over HTTP (GET), and runs helm or kubectl, to list only.

#include "base/result.hpp"
#include "config/config.hpp"
#include "discovery/evidence.hpp"
#include "world/world.hpp"

#include <string>

namespace discovery {

// `folder` is absolute. not_found when it is no folder. What cannot be read is no failure: it is
// said in Seen::unseen. `environment`: for a .env that uses variables of it.
base::Result<Seen> look(world::World world, const std::string& folder,
                        const config::Environment& environment);

} // namespace discovery
