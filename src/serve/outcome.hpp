#pragma once
// Outcome: what the end of a routine's belay means. Pure.

#include "state/routines.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace serve {

struct RoutineEnd {
  state::RoutineOutcome outcome = state::RoutineOutcome::none;
  std::string detail;        // one line for people
  std::uint64_t removed = 0; // retention: restore points that went
};

// `status`: its exit status; nothing: it died without one. `said`: the end of what it printed, one
// JSON object a line; other lines are passed over.
RoutineEnd end_of(std::string_view routine, std::optional<int> status, std::string_view said);

} // namespace serve
