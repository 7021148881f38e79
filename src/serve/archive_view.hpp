#pragma once
// Archive view: what is known of the archives that the playbook's variables ask for, as plain
// values; and what that means for who asks after their health. Pure.

#include "serve/view.hpp"

#include <optional>
#include <string>

namespace serve {

struct ArchiveView {
  bool is_enabled = false; // KM_BACKUP_ENABLED
  std::string problem;     // why nothing can be said of them
  std::string destination;
  state::RoutineRecord record;                // of the routine that makes them
  std::optional<world::TimePoint> next;       // when it begins next
  std::optional<world::Milliseconds> age_max; // of the newest archive
  bool is_looking = false;                    // the archives that are there are read
  std::string verify_problem;                 // none of them is whole
  std::optional<state::LastArchive> last;     // it is there
  std::optional<world::TimePoint> last_failure;
  std::optional<state::ArchiveNote> recovered; // the folder was made from this archive
};

Check check_of(const ArchiveView& view, world::TimePoint now); // "backup"

} // namespace serve
