#pragma once
// Level: which way back is sufficient, from evidence. Pure.

#include "domain/outcome.hpp"
#include "domain/store.hpp"

#include <string>
#include <vector>

namespace engine {

struct LevelQuestion {
  domain::Level asked = domain::Level::automatic;  // by a trigger or by the operator
  domain::Level at_least = domain::Level::restart; // after an escalation
  bool was_switched = false;              // the new release was put in place, or may have been
  bool could_write = false;               // the new release, or a migration, may have run
  std::vector<domain::Evidence> evidence; // of every store that can be brought back
};

struct LevelAnswer {
  domain::Level level = domain::Level::restart;
  std::vector<std::string> stores;  // to bring back
  std::vector<std::string> reasons; // one line each
};

// The least destructive level that is sufficient. Unknown is never "did not move".
LevelAnswer decide_level(const LevelQuestion& question);

} // namespace engine
