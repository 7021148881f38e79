#pragma once
// Check: whether a repository holds all that its snapshots need, and holds it unharmed.

#include "repo/lock.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace repo {

struct CheckOptions {
  bool is_data_read = false; // every byte of every pack
  unsigned percent = 100;    // of the packs, chosen at random, when data is read
  // Or one of several parts, each of about as many packs and of always the same, so that all parts
  // are the whole: {2, 5}, of 256 at most.
  std::pair<unsigned, unsigned> part{1, 1};
  std::size_t threads = 0; // 0: as many as there are cores, at most 8; fewer for want of memory
};

struct CheckReport {
  std::vector<std::string>
      errors; // each names the file, or the snapshot and path, and what is wrong
  std::vector<std::string> notes; // harmless: packs that nobody needs, stale locks
  std::uint64_t snapshots = 0;
  std::uint64_t packs = 0;
  std::uint64_t packs_read = 0;
  std::uint64_t blobs = 0;
  std::uint64_t bytes = 0; // of the packs
};

// Changes nothing. An error only when it could not look; what it found wrong is in the report.
// `progress` hears of bytes that were read, and of those to read.
base::Result<CheckReport>
check(Repository& repository, Lock& lock, const CheckOptions& options,
      const std::function<void(std::uint64_t done, std::uint64_t all)>& progress);

} // namespace repo
