#pragma once
// Copy: brings snapshots of one repository into another one, which has a key of its own.

#include "repo/lock.hpp"
#include "repo/saver.hpp"

#include <functional>
#include <string>
#include <vector>

namespace repo {

struct CopyOptions {
  std::vector<std::string> snapshots; // "latest", or first digits of their ids; empty: all
  bool is_all_read_back = false;      // of what was stored, not one blob of each pack
  std::size_t threads = 0; // 0: as many as there are cores, at most 8; fewer for want of memory
  SaveOptions save;
};

struct CopyReport {
  struct One {
    format::Id from;
    format::Id to;
    bool is_new = false; // false: it was there already, and nothing was done
  };
  std::vector<One> snapshots;
  std::uint64_t blobs = 0; // that were not there yet
  std::uint64_t bytes = 0; // of them, plain
  std::uint64_t bytes_packed = 0;
};

struct CopyProgress {
  std::uint64_t blobs_done = 0;
  std::uint64_t blobs_all = 0;  // of the snapshot that is under way
  std::uint64_t bytes_done = 0; // as they lie in the source
  std::uint64_t bytes_all = 0;
  std::size_t snapshot = 0;  // which one that is, from 1 on
  std::size_t snapshots = 0; // in all
};

struct LockedRepository {
  Repository& repository;
  Lock& lock; // shared is enough
};

// Idempotent: a snapshot that `to` has is left alone, and no blob is stored twice. Every blob is
// compared with its name on its way; a snapshot is written when all that it needs is durable, in
// the index, and was read back in part. Whoever dies in between leaves whole snapshots, and the
// next run goes on with what was stored. The two have different chunkers unless one was made for
// the other: a backup made straight into `to` shares no data with what was copied.
// corrupt: the source is harmed; nothing of that snapshot is to be seen in `to`.
base::Result<CopyReport> copy(LockedRepository from, LockedRepository to,
                              const CopyOptions& options,
                              const std::function<void(const CopyProgress&)>& progress);

} // namespace repo
