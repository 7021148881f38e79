#pragma once
// Prune: gives back the space of what no snapshot needs any more.

#include "repo/lock.hpp"

#include <functional>
#include <string>

namespace repo {

struct PruneOptions {
  double unused_max = 0.05; // share of what is kept that may stay unused, to save work
  bool is_dry_run = false;
};

struct PruneReport {
  std::uint64_t packs_removed = 0; // whole, as nothing in them is needed or they are in no index
  std::uint64_t packs_repacked = 0;
  std::uint64_t packs_kept = 0;
  std::uint64_t bytes_removed = 0; // of packs that are gone, the repacked ones with them
  std::uint64_t bytes_written = 0; // again
  std::uint64_t bytes_unused = 0;  // that stay in packs that are kept
};

// Under an exclusive lock. Writes new packs, then new index files, removes old index files, then
// packs: after a crash anywhere every snapshot is whole, and the next prune ends it. corrupt: a
// snapshot needs what is missing; then nothing is changed.
base::Result<PruneReport> prune(Repository& repository, Lock& lock, const PruneOptions& options,
                                const std::function<void(const std::string&)>& say);

} // namespace repo
