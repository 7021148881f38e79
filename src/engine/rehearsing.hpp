#pragma once
// Rehearsing: the pending migrations of an upgrade on a copy of this moment's data, before anything
// is stopped. docs/adr/0017-rehearsal-first.md.

#include "engine/context.hpp"
#include "state/rehearsal.hpp"

#include <string>
#include <vector>

namespace engine {

struct RehearsalOutlook {
  std::vector<std::string> lines;    // what will be rehearsed, or why it is not
  std::vector<std::string> problems; // why an upgrade must not begin
};

// Read-only.
RehearsalOutlook rehearsal_outlook(const domain::Stack& stack, Drivers drivers,
                                   const std::string& to);

// What the records of rehearsals are told apart by: the pending files.
std::string rehearsal_basis(const std::string& migrations_basis);

struct Rehearsed {
  state::RehearsalRecord record;
  std::vector<std::string> lines;  // what was seen, for people
  std::vector<std::string> untold; // what was not rehearsed, and why
  std::string failure;             // empty: whatever was rehearsed went well
};

// Copies are named by `point`, and are gone when it returns; discard() of the point removes what a
// death left. `is_asked`: by a person, so that size is no reason against it.
base::Result<Rehearsed> rehearse_all(world::World world, const domain::Stack& stack,
                                     Drivers drivers, const std::string& to,
                                     const std::string& point, bool is_asked);

base::Result<> do_rehearse(Context& context, Record& out);

} // namespace engine
