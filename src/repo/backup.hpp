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

// What stands elsewhere in the snapshot than where it is read, or is no file at all. The folders
// above it are made up.
struct Placed {
  std::string at;     // in the snapshot: absolute, clean, neither in nor above another one
  std::string path;   // the folder, or plain file of the same name, that is read
  std::string bytes;  // without a path: the content of a file
  world::Entry entry; // and its owner, mode and times
};

struct BackupOptions {
  std::vector<std::string> paths; // absolute, lexically clean
  // When there is any, it is what is taken; `paths` then only name the snapshot, and `exclude` is
  // of paths in it.
  std::vector<Placed> placed;
  std::vector<std::string> tags;
  std::vector<std::string> exclude; // patterns
  bool has_caches_excluded = false; // folders with a CACHEDIR.TAG
  bool is_one_file_system = false;
  bool is_everything_read = false; // what seems unchanged, too
  bool is_inode_ignored = false;   // where inodes and ctimes lie (containers, overlays)
  bool has_atime = false;
  bool is_all_read_back = false; // every new blob, not one of each pack
  bool is_torn_tagged = false;   // a tag "torn=N" counts the files that are torn
  SaveOptions save;
  std::string program_version;
  std::size_t threads = 0; // 0: as many as there are cores, at most 8; fewer for want of memory
};

struct BackupProgress {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;        // looked at
  std::uint64_t bytes_before = 0; // that the snapshot before this one held; 0: there is none
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
