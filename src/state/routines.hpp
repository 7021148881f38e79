#pragma once
// Routines: what a stack remembers of its scheduled work, and of its last restore point in a
// repository. Formats: docs/formats/schedule.md.

#include "base/result.hpp"
#include "world/world.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace state {

// failed: it did not do its work. skipped: something else was at work on the stack.
enum class RoutineOutcome { none, success, failed, skipped };
std::string_view name_of(RoutineOutcome outcome); // "none", "success", "failed", "skipped"

// One kind of scheduled work: "backup", "retention", "verify", "drill",
// "resume".
struct RoutineRecord {
  std::string name;
  world::TimePoint since;                  // when it was first seen
  std::optional<world::TimePoint> planned; // the moment that the last run is, or was, for
  std::optional<world::TimePoint> began;   // the last run
  std::optional<world::TimePoint> ended;   // nothing while it runs
  std::optional<world::TimePoint> last_success;
  RoutineOutcome outcome = RoutineOutcome::none; // of the last run that ended
  std::string detail;                            // of it, one line for people
  int status = 0;                                // its exit status
  int failures = 0;                              // of the last runs, one after the other
  std::uint64_t successes_all = 0;
  std::uint64_t failures_all = 0;
  std::uint64_t skipped_all = 0;
  std::uint64_t removed_all = 0; // retention: restore points that went
  bool is_running() const { return began && !ended; }
};

std::string to_json(const RoutineRecord& record);
base::Result<RoutineRecord> routine_from_json(std::string_view text); // corrupt, too_new

// The last restore point that was written to the repository and read back, whoever asked for it.
struct LastBackup {
  world::TimePoint at;
  std::string point;
  std::string location;
  std::uint64_t bytes = 0;        // of the data
  std::uint64_t bytes_stored = 0; // that it added to the repository
  std::uint64_t torn = 0;
  bool has_copy = false; // the second place has it too, and every older one
};

std::string to_json(const LastBackup& backup);
base::Result<LastBackup> last_backup_from_json(std::string_view text); // corrupt, too_new

// The newest archive of a folder that is known to be whole (docs/formats/schedule.md).
struct LastArchive {
  world::TimePoint at; // when it was begun
  std::string path;
  std::uint64_t bytes = 0; // of the archive
  std::uint64_t entries = 0;
  std::uint64_t torn = 0;    // files that changed while they were read
  std::string prune_problem; // why older ones were not removed; empty: they were
};
std::string to_json(const LastArchive& archive);
base::Result<LastArchive> last_archive_from_json(std::string_view text); // corrupt, too_new

// The last drill that went well, whoever asked for it.
struct LastDrill {
  world::TimePoint at; // when it was begun
  std::string point;
  std::string location; // the repository that it came from
  std::uint64_t bytes = 0;
  std::uint64_t took_ms = 0;
};
std::string to_json(const LastDrill& drill);
base::Result<LastDrill> last_drill_from_json(std::string_view text); // corrupt, too_new

// Stands in an archive, so that a folder that was made from it can tell.
struct ArchiveNote {
  world::TimePoint at;
  std::string archive; // its name
};
std::string to_json(const ArchiveNote& note);
base::Result<ArchiveNote> archive_note_from_json(std::string_view text); // corrupt, too_new

// Where they stand, in the state folder of a stack.
std::string routines_folder(const std::string& state_folder);
std::string routine_path(const std::string& state_folder, const std::string& name);
std::string last_backup_path(const std::string& state_folder);
std::string last_archive_path(const std::string& state_folder);
std::string last_drill_path(const std::string& state_folder);

// nullopt: none yet.
base::Result<std::optional<RoutineRecord>>
read_routine(world::Files& files, const std::string& state_folder, const std::string& name);
base::Result<> write_routine(world::Files& files, const std::string& state_folder,
                             const RoutineRecord& record);
base::Result<std::optional<LastBackup>> read_last_backup(world::Files& files,
                                                         const std::string& state_folder);
base::Result<> write_last_backup(world::Files& files, const std::string& state_folder,
                                 const LastBackup& backup);
base::Result<std::optional<LastArchive>> read_last_archive(world::Files& files,
                                                           const std::string& state_folder);
base::Result<> write_last_archive(world::Files& files, const std::string& state_folder,
                                  const LastArchive& archive);
base::Result<std::optional<LastDrill>> read_last_drill(world::Files& files,
                                                       const std::string& state_folder);
base::Result<> write_last_drill(world::Files& files, const std::string& state_folder,
                                const LastDrill& drill);

} // namespace state
