#pragma once
// Prune: gives back the space of what no snapshot needs any more.

#include "repo/lock.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace repo {

struct PruneOptions {
  double unused_max = 0.05; // share of what is kept that may stay unused, to save work
  std::optional<std::uint64_t> unused_bytes_max; // instead of a share
  bool is_dry_run = false;
  // Bounds of one run; what they leave is for the next. 0: none.
  std::uint64_t repacked_bytes_max = 0;      // that are written again
  world::Milliseconds repacking_time_max{0}; // from the beginning; then no pack is begun
};

struct PruneReport {
  std::uint64_t packs_removed = 0; // whole, as nothing in them is needed or they are in no index
  std::uint64_t packs_repacked = 0;
  std::uint64_t packs_kept = 0;
  std::uint64_t bytes_removed = 0; // of packs that are gone, the repacked ones with them
  std::uint64_t bytes_written = 0; // again
  std::uint64_t bytes_unused = 0;  // that stay in packs that are kept
  bool is_cut_short = false;       // a bound left packs for the next run
};

// Under an exclusive lock. Writes new packs, then new index files, removes old index files, then
// packs: after a crash anywhere every snapshot is whole, and the next prune ends it. corrupt: a
// snapshot needs what is missing; then nothing is changed. `progress` hears of bytes that were
// looked through to be written again, and in all.
base::Result<PruneReport>
prune(Repository& repository, Lock& lock, const PruneOptions& options,
      const std::function<void(const std::string&)>& say,
      const std::function<void(std::uint64_t, std::uint64_t)>& progress = {});

} // namespace repo
