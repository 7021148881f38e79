#pragma once
// Repair: makes the index say what the packs hold, and brings whole blobs out of harmed packs.

#include "repo/lock.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace repo {

struct RepairOptions {
  bool is_data_read = false;                 // every byte of every pack, to find what was changed
  bool are_broken_snapshots_removed = false; // files of snapshots that cannot be read
  bool is_dry_run = false;                   // nothing is changed
};

struct RepairReport {
  std::vector<std::string> found; // each names the file, what is wrong, and what became of it
  std::uint64_t blobs_saved = 0;  // out of harmed packs, into new ones
  std::uint64_t blobs_lost = 0;   // in no whole pack any more
  std::uint64_t index_files_written = 0;
  std::uint64_t index_files_removed = 0;
  std::uint64_t snapshots_removed = 0;
};

// Under an exclusive lock. Of packs nothing is removed: what the index no longer names, 'prune'
// does once no snapshot lacks anything. Writes new packs, then new index files, then removes old
// index files: after a crash anywhere nothing is lost that was there, and it can be run again. What
// a snapshot lacks afterwards, the next backup of the same files stores again. Idempotent.
base::Result<RepairReport>
repair(Repository& repository, Lock& lock, const RepairOptions& options,
       const std::function<void(std::uint64_t done, std::uint64_t all)>& progress);

} // namespace repo
