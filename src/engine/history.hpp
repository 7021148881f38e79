#pragma once
// History: quiet readings of a stack, one file a day, kept for a week. docs/formats/readings.md.

#include "engine/readings.hpp"
#include "state/folder.hpp"
#include "world/world.hpp"

#include <string>
#include <vector>

namespace engine {

std::string readings_path(const state::Folder& folder, const std::string& operation);

// The rounds of the last `length`, oldest first. A damaged file is told as a warning and left out.
std::vector<QuietRound> recent_history(world::World world, const state::Folder& folder,
                                       world::Milliseconds length);

// The judge's own statistic, all through the history of the last week.
std::vector<judge::Placebo> placebos_from_history(world::World world, const state::Folder& folder,
                                                  const judge::Policy& policy);

} // namespace engine
