#pragma once
// Stats: how large snapshots are, counted in the four ways of restic.

#include "repo/format/records.hpp"
#include "repo/repository.hpp"

#include <vector>

namespace repo {

enum class StatsMode {
  restore_size,      // what a restore of each snapshot writes; a hard link counts once in each
  files_by_contents, // files of different content
  blobs_per_file,    // blobs of files that differ in content, each path once for each of its blobs
  raw_data,          // what the snapshots need of the repository, compressed and sealed
};

struct Stats {
  std::uint64_t snapshots = 0;
  std::uint64_t files = 0; // entries of any kind in restore_size; none in raw_data
  std::uint64_t blobs = 0; // in blobs_per_file and raw_data
  std::uint64_t bytes = 0;
  // In raw_data: what the same blobs would take without compression. Sealed as they are, like
  // `bytes`: so restic 0.19 counts, too.
  std::uint64_t uncompressed_bytes = 0;
  // Of the whole repository, whatever is asked.
  std::uint64_t packs = 0;
  std::uint64_t pack_bytes = 0;
  std::uint64_t index_files = 0;
  std::uint64_t index_blobs = 0;
};

// corrupt: a tree or blob is missing.
base::Result<Stats> find_stats(Repository& repository,
                               const std::vector<format::Snapshot>& snapshots, StatsMode mode);

} // namespace repo
