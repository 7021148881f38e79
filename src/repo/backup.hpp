#pragma once
// Backup: a snapshot of files and folders as they are now.

#include "repo/exclude.hpp"
#include "repo/lock.hpp"
#include "repo/saver.hpp"
#include "world/folders.hpp"

#include <functional>
#include <string>
#include <vector>

namespace repo {

struct BackupOptions {
  std::vector<std::string> paths; // absolute, lexically clean
  std::vector<std::string> tags;
  std::vector<std::string> exclude; // patterns
  bool has_caches_excluded = false; // folders with a CACHEDIR.TAG
  bool is_one_file_system = false;
  bool is_everything_read = false; // what seems unchanged, too
  bool is_inode_ignored = false;   // where inodes and ctimes lie (containers, overlays)
  bool has_atime = false;
  bool is_all_read_back = false; // every new blob, not one of each pack
  SaveOptions save;
  std::string program_version;
  std::size_t threads = 0; // 0: as many as there are cores, at most 8
};

struct BackupProgress {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0; // looked at
};

struct BackupReport {
  format::Snapshot snapshot;
  std::vector<std::string> torn; // files that changed while they were read, twice; bounded
  std::uint64_t torn_count = 0;
};

// Packs are durable, then the index, then what was written is read back, then the snapshot is
// written. Whenever it ends before that there is no snapshot, and what it stored is used by the
// next one. not_found: no such path. failed and others: something could not be read; interrupted.
base::Result<BackupReport> backup(Repository& repository, Lock& lock, world::Folders& folders,
                                  const BackupOptions& options,
                                  const std::function<void(const BackupProgress&)>& progress);

} // namespace repo
