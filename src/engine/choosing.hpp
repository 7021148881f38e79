#pragma once
// Choosing: the levels that a rollback could take, before it begins: which are possible, what each
// costs, and which one the evidence picks. Read-only.

#include "engine/engine.hpp"
#include "engine/level.hpp"

#include <vector>

namespace engine {

// What moved since these snapshots, of every store that still has a place in the stack. What cannot
// be told is `unreadable`.
std::vector<domain::Evidence> gather_evidence(const domain::Stack& stack, Drivers drivers,
                                              const std::vector<domain::Snapshot>& snapshots);

// Why this level must not be taken on request; empty: it may. Only a ledger that moved forbids one.
std::string why_refused(const LevelQuestion& question);

// Fills `levels`, `picked`, `reasons`, the downtime, and a blocker when the level asked for is
// refused.
void add_levels(world::World world, const Settings& settings, Drivers drivers,
                const state::Folder& folder, const state::RestorePoint& point, state::Plan& plan);

} // namespace engine
