#include "cli/exit_status.hpp"

namespace cli {

int status_of(engine::Ending ending, state::OperationKind kind) {
  switch (ending) {
  case engine::Ending::committed: return exit_done;
  case engine::Ending::rolled_back:
    // To go back is what a rollback was asked for; an upgrade was asked for something else.
    return kind == state::OperationKind::rollback ? exit_done : exit_rolled_back;
  case engine::Ending::unchanged: return exit_failed;
  case engine::Ending::blocked: return exit_blocked;
  case engine::Ending::needs_operator: return exit_needs_operator;
  case engine::Ending::paused: return exit_paused;
  case engine::Ending::interrupted: return exit_interrupted;
  }
  return exit_failed;
}

int status_of(const base::Error& error, bool is_in_progress) {
  if (error.kind == base::ErrorKind::locked)
    return exit_locked;
  if (error.kind == base::ErrorKind::interrupted)
    return exit_interrupted;
  if (error.kind == base::ErrorKind::invalid_input)
    return exit_usage;
  if (error.kind == base::ErrorKind::corrupt || is_in_progress)
    return exit_needs_operator;
  return error.kind == base::ErrorKind::conflict ? exit_blocked : exit_failed;
}

const char* words(engine::Ending ending) {
  switch (ending) {
  case engine::Ending::committed: return "committed";
  case engine::Ending::rolled_back: return "rolled_back";
  case engine::Ending::unchanged: return "unchanged";
  case engine::Ending::blocked: return "blocked";
  case engine::Ending::needs_operator: return "needs_operator";
  case engine::Ending::paused: return "paused";
  case engine::Ending::interrupted: return "interrupted";
  }
  return "?";
}

} // namespace cli
