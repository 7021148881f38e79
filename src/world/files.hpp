#pragma once
// Files: single files, links and names. Durable by construction: every mutating member has synced
// the file and its folder when it returns, so nobody above can forget to. Paths are absolute.

#include "base/result.hpp"
#include "world/clock.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace world {

using base::Result;

enum class EntryKind { file, folder, link, other };

struct EntryInfo { // as lstat: a link is a link
  EntryKind kind = EntryKind::other;
  std::uint64_t size_bytes = 0;
  std::uint32_t mode = 0; // permission bits with set-id and sticky
  std::uint32_t user = 0;
  std::uint32_t group = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  bool is_mount_point = false;
};

struct SpaceInfo {
  std::uint64_t free_bytes = 0; // for us, not for root
  std::uint64_t total_bytes = 0;
  bool is_read_only = false;
  bool has_reflink = false;
};

struct FileContent {
  std::string path;
  std::string bytes;
  std::uint32_t mode = 0600;
};

// Held until destroyed or until the process dies, whichever is first.
class Lock {
public:
  virtual ~Lock() = default;
};

class Files {
public:
  virtual ~Files() = default;

  // not_found when absent; invalid_input when larger than `bytes_max` or not a plain file.
  virtual Result<std::string> read(const std::string& path, std::size_t bytes_max = 64U << 20U) = 0;
  // The first bytes of a plain file, at most `bytes_max`, whatever its size.
  virtual Result<std::string> read_start(const std::string& path, std::size_t bytes_max) {
    return TRY(read(path)).substr(0, bytes_max);
  }
  // The last bytes of a plain file, at most `bytes_max`, whatever its size.
  virtual Result<std::string> read_end(const std::string& path, std::size_t bytes_max) {
    std::string all = TRY(read(path));
    return all.size() <= bytes_max ? all : all.substr(all.size() - bytes_max);
  }
  // `bytes` from `offset` on of a plain file, fewer only where it ends. By several threads at once.
  virtual Result<std::string> read_range(const std::string& path, std::uint64_t offset,
                                         std::size_t bytes) {
    const std::string all = TRY(read(path));
    return offset < all.size() ? all.substr(offset, bytes) : "";
  }
  virtual Result<std::optional<EntryInfo>> info(const std::string& path) = 0; // nullopt: absent
  virtual Result<std::string> resolve(const std::string& path) = 0;           // realpath; not_found
  virtual Result<std::string> read_link(const std::string& path) = 0;
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0; // sorted names
  // Whether a folder has no entry; quick, however many it has.
  virtual Result<bool> is_empty(const std::string& path) { return TRY(list(path)).empty(); }
  virtual Result<SpaceInfo> space(const std::string& path) = 0;

  // Creates the file (0600) when absent.
  virtual Result<> append(const std::string& path, std::string_view bytes) = 0;
  // Only to drop a torn tail.
  virtual Result<> truncate(const std::string& path, std::size_t size) = 0;
  // Temporary file, sync, rename, sync of the folder: readers see old or new. Keeps the owner,
  // group of a file it replaces; `mode` is set.
  virtual Result<> replace(const std::string& path, std::string_view bytes,
                           std::uint32_t mode = 0600) = 0;
  // replace() of each, with the folders that they are in (0700), for fewer syncs. Folder by folder,
  // in the order of `files`: what is in one is durable before a name in the next one changes;
  // within one folder in any order. Files of one folder stand side by side. Idempotent.
  virtual Result<> replace_all(const std::vector<FileContent>& files) = 0;
  // With parents, 0700. Idempotent.
  virtual Result<> create_folders(const std::string& path) = 0;
  // Atomically makes `path` a symbolic link to `target`, replacing a link that was there.
  virtual Result<> replace_link(const std::string& path, const std::string& target) = 0;
  // Never overwrites: conflict when `to` exists; not_found when `from` does not;
  // invalid_input across file systems.
  virtual Result<> rename(const std::string& from, const std::string& to) = 0;
  // Atomic swap of two names (renameat2 RENAME_EXCHANGE). unavailable: file system cannot.
  virtual Result<> exchange(const std::string& a, const std::string& b) = 0;
  // A single file or link. Idempotent.
  virtual Result<> remove(const std::string& path) = 0;
  // remove() of each, one after the other, for fewer syncs: after a power cut in here any of them
  // may be there again. Idempotent.
  virtual Result<> remove_all(const std::vector<std::string>& paths) = 0;
  // Owner and permission bits of an existing entry.
  virtual Result<> set_owner_and_mode(const std::string& path, const EntryInfo& like) = 0;

  // Exclusive advisory lock that dies with its holder (flock). Writes `owner` (one line of JSON)
  // into the file for people. conflict, with the holder's line as message, when it is held.
  virtual Result<std::unique_ptr<Lock>> lock(const std::string& path, const std::string& owner) = 0;
};

} // namespace world
