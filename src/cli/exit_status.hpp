#pragma once
// Exit status: the public, stable numbers (docs/guide/exit-statuses.md). Pure.

#include "engine/engine.hpp"

namespace cli {

enum ExitStatus {
  exit_done = 0,
  exit_failed = 1, // and nothing was changed
  exit_usage = 2,
  exit_rolled_back = 3, // an upgrade failed, what ran before runs again, verified
  exit_needs_operator = 4,
  exit_blocked = 5,
  exit_paused = 6,
  exit_nothing_in_progress = 7,
  exit_no_repository = 10,
  exit_locked = 11,
  exit_wrong_password = 12,
  exit_interrupted = 130,
};

const char* words(engine::Ending ending); // as they stand in JSON: "committed"
int status_of(engine::Ending ending, state::OperationKind kind);
// `is_in_progress`: an operation was begun and has not ended, so an error is not "nothing changed".
int status_of(const base::Error& error, bool is_in_progress);

} // namespace cli
