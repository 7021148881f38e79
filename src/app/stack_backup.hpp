#pragma once
// Stack backup: a restore point of a running stack, in the repository of belay.yaml and in the
// second place.

#include "app/stack_places.hpp"
#include "repo/backup.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace app {

struct StackBackupRequest {
  std::string stack;               // empty: the one of belay.yaml
  std::vector<std::string> tags;   // beside belay's own
  bool is_everything_read = false; // also what seems unchanged
  bool is_inode_ignored = false;
  repo::backend::Limit limit; // of each place
  repo::SaveOptions save;
  std::string program_version;
  TellWait notice; // may be empty
  TellDoing tell;
  world::Traffic* traffic = nullptr; // of the places; may be none
};

struct StackBackup {
  state::RestorePoint point;
  repo::BackupReport report; // of the first place
  std::string location;      // of the first place
  struct Copied {
    std::string location;               // empty: it could not be opened
    std::size_t points = 0;             // that the second place did not have
    std::optional<base::Error> failure; // the second place lacks this point, or an older one
  };
  std::optional<Copied> copied; // nothing: belay.yaml names no second place
};

// Takes every store while the services run, and the config files as they are, into one snapshot.
// All that is new in the repository is read back before the snapshot is written; without it there
// is no point. Then brings every point that the second place lacks there. The stack is locked
// until the point exists. Whenever it dies there is a whole point or none, and the next run, or a
// rollback to a point of the repository, removes what was left beside the stores.
// conflict: an operation is in progress. no_space: told before anything is written. `trouble` tells
// why the first place does not open.
base::Result<StackBackup> back_up(const Host& host, const RepoPorts& ports,
                                  const StackBackupRequest& request, Trouble& trouble);

// After something was copied from the first place of belay.yaml to the second: whoever asks for the
// newest restore point is told that its copy is there, when it and all older ones are.
base::Result<> remember_copy(const Host& host, repo::Repository& first, repo::Repository& second);

} // namespace app
