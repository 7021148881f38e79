#pragma once
// Drill: a restore point of a repository, brought back beside the live data, proved, timed, and
// removed.

#include "app/stack_places.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace app {

struct DrillRequest {
  std::string stack; // empty: the one of belay.yaml
  std::string point; // empty: the newest that the place has
  Where where = Where::first;
  TellWait notice;
  TellDoing tell;
  world::Traffic* traffic = nullptr; // of the place; may be none
};

struct DrilledStore {
  std::string name;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  world::Milliseconds brought{0}; // fetched, read back, compared and verified
  world::Milliseconds proved{0};
  std::string left_out; // why it was not tried; empty: it came back
};

struct Drilled {
  state::RestorePoint point;
  std::string location;
  std::vector<DrilledStore> stores;
  std::size_t config_files = 0;
  world::Milliseconds took{0}; // of all stores
  bool is_whole() const;       // no store was left out
};

// Nothing live is changed; the stack is locked meanwhile. What was brought is removed whatever
// comes of it, after a death by the next who holds the stack. A drill that left out nothing is
// remembered (state::LastDrill). conflict: an operation is in progress. not_found: no such point.
// failed: no store of it can be brought. corrupt: it does not come back. no_space: before anything
// is written.
base::Result<Drilled> drill(const Host& host, const RepoPorts& ports, const DrillRequest& request,
                            Trouble& trouble);

} // namespace app
