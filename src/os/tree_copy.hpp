#pragma once
// Tree copy: makes one entry of a copy what the entry of the source is.

#include "os/tree_attributes.hpp"
#include "os/tree_walk.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace os {

// What the copies of one run share; used from several threads.
class CopyRun {
public:
  CopyRun() = default;
  CopyRun(std::uint64_t total_bytes, std::function<void(std::uint64_t)> progress)
      : total_bytes_{total_bytes}, progress_{std::move(progress)} {}

  std::atomic<bool> can_reflink = true; // until the file system says no
  std::atomic<bool> was_reflinked = false;
  // So much more was dealt with, and so much of it had to be written.
  void note_done(std::uint64_t bytes, std::uint64_t written);
  void note_not_kept(const std::string& path, const std::vector<std::string>& names);
  std::uint64_t written_bytes() const { return written_; }
  std::vector<std::string> not_kept() const { return not_kept_; } // when all threads have ended

private:
  std::uint64_t total_bytes_ = 0;
  std::function<void(std::uint64_t)> progress_; // called by one thread at a time, a hundred times
  std::atomic<std::uint64_t> written_ = 0;
  std::mutex mutex_;
  std::uint64_t done_ = 0;
  std::uint64_t reported_ = 0;
  std::vector<std::string> not_kept_; // "path: name", bounded
};

struct CopiedFile {
  std::string sha256;
  std::string attributes; // digest_of() what was kept
  bool is_torn = false;   // it changed while it was read
  TreeEntry source;       // as it was when it was read, without path
  TreeEntry copy;
};

enum class Existing {
  replace, // what is there goes first
  update,  // the copy of an earlier content is there: write only the blocks that differ
};

struct CopyTo {
  Existing existing = Existing::replace;
  // What is made in the folder may get attributes by itself: a default ACL, a property of btrfs.
  bool may_inherit = true;
};

// Content, holes, owner, mode, attributes and times. What is written is read back and compared:
// failed when it differs. Not synced; a big file is on its way to the disk. A name that is a link
// is not followed: conflict.
base::Result<CopiedFile> copy_file_content(const Spot& from, const Spot& to, CopyTo how,
                                           CopyRun& run);
// A link, pipe, socket name or device node with its metadata; what is there goes first. Returns
// the digest of the attributes that were kept.
base::Result<std::string> copy_special(const TreeEntry& entry, const Spot& from, const Spot& to,
                                       CopyRun& run);
// Owner, mode, attributes and times of the open folder `from`, being `entry`, put on `to`.
base::Result<std::string> copy_folder_metadata(const TreeEntry& entry, const Fd& from, const Fd& to,
                                               const std::string& whole, CopyRun& run);

// SHA-256 of the bytes of an open file, from its beginning. `look` is what look_at() said of it.
base::Result<std::string> sha256_of(const Fd& file, const TreeEntry& look,
                                    const std::string& whole);
// For reading, without following a link, without touching its access time where that is allowed.
base::Result<Fd> open_for_read(const Spot& spot);

} // namespace os
