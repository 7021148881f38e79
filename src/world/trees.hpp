#pragma once
// Trees: whole folders at once. Bulk work is one port call so that it can be parallel in `os`;
// a crash inside leaves a part of it done, and calling it again ends it.

#include "base/result.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace world {

struct TreeSize {
  std::uint64_t files = 0; // entries of any kind
  std::uint64_t bytes = 0; // allocated
  bool operator==(const TreeSize&) const = default;
};

using Progress = std::function<void(std::uint64_t done_bytes, std::uint64_t total_bytes)>;

struct CaptureOptions {
  std::vector<std::string> exclude; // paths relative to the root, with everything below them
  Progress progress;                // may be empty
  // Look at the whole source again when all is copied: what is no longer as it was when it was
  // read, came or went, is torn.
  bool is_source_at_rest = false;
};
struct Capture {
  std::string digest; // SHA-256 over the catalogue's names, kinds, owners, modes and contents
  TreeSize size;      // of the whole copy
  TreeSize copied;    // what this call had to write
  std::vector<std::string> torn; // what changed while it was read, after one retry
  bool was_reflinked = false;
  // "path: attribute" that only privilege could have kept (trusted.*, security.*); bounded.
  std::vector<std::string> not_kept;
};

enum class Depth {
  quick, // names, sizes, times and inode change times as when last read back in full
  full,  // every byte read again
};

struct Difference {
  enum class Kind { added, removed, changed } kind = Kind::changed; // seen from `a` to `b`
  std::string path;                                                 // relative
  std::uint64_t bytes_a = 0;
  std::uint64_t bytes_b = 0;
};

struct ArchiveContents {
  std::uint64_t bytes = 0;                  // of all files, unpacked
  std::map<std::string, std::string> texts; // of the files that were asked for
};

class Trees {
public:
  virtual ~Trees() = default;

  virtual base::Result<TreeSize> size(const std::string& root,
                                      const std::vector<std::string>& exclude) = 0;

  // Make `copy` an exact replica of `source`: owner, mode, xattr, ACL, hard links, holes, times.
  // `catalogue` is belay's file that remembers each entry (docs/formats/catalogue.md); when it is
  // from an earlier call for the same `copy`, only the difference is read and written.
  // Durable (files, folders and catalogue) when it returns, and each file that was written was
  // read back. Idempotent.
  // Sockets and pipes are kept as names; a device file needs privilege. Never follows links.
  virtual base::Result<Capture> capture(const std::string& source, const std::string& copy,
                                        const std::string& catalogue,
                                        const CaptureOptions& options) = 0;
  // Read a tree that is there already and make a catalogue of it; returns the digest. Idempotent.
  virtual base::Result<std::string> catalogue(const std::string& root,
                                              const std::string& catalogue) = 0;
  // Compare a copy with its catalogue. corrupt names the first path that differs.
  // full: remembers in the catalogue that it was read back.
  virtual base::Result<> verify(const std::string& copy, const std::string& catalogue,
                                Depth depth) = 0;
  // Digest of the names, kinds, permission bits, link targets and contents; no owners, no times:
  // the identity of a release folder.
  virtual base::Result<std::string> digest(const std::string& root) = 0;
  // What differs between two trees, by name, kind, size and content; sorted by path.
  virtual base::Result<std::vector<Difference>>
  compare(const std::string& a, const std::string& b, const std::vector<std::string>& exclude) = 0;
  // Owner, mode, xattr and times of the folder `from` itself put on the folder `to`.
  virtual base::Result<> copy_root_metadata(const std::string& from, const std::string& to) = 0;
  // Copy a folder, without catalogue; links inside are copied as links. `to` must not exist.
  virtual base::Result<> copy(const std::string& from, const std::string& to) = 0;
  // Copy one file with its metadata, replacing `to` atomically. Durable.
  virtual base::Result<> copy_file(const std::string& from, const std::string& to) = 0;
  // Unpack tar (any compression) or zip into the new folder `to`. invalid_input for an entry that
  // is absolute, has "..", passes through a link, is a device or is there twice, or for a total
  // over `bytes_max`. Durable.
  virtual base::Result<> unpack(const std::string& archive, const std::string& to,
                                std::uint64_t bytes_max) = 0;
  // What an archive holds, without unpacking it. A file of `names` is also found below one folder
  // that holds all ("shop-1.2/.env.example"); texts are cut at `text_bytes_max`.
  virtual base::Result<ArchiveContents> look_into(const std::string& /*archive*/,
                                                  const std::vector<std::string>& /*names*/,
                                                  std::size_t /*text_bytes_max*/) {
    return base::Error{base::ErrorKind::unavailable, "archives cannot be looked into here", ""};
  }
  // SHA-256 of one file's bytes, lower-case hexadecimal.
  virtual base::Result<std::string> file_digest(const std::string& path) = 0;
  // Flush a folder and everything below it to the disk.
  virtual base::Result<> sync(const std::string& root) = 0;
  // Remove a folder and everything below it. Never follows links. Idempotent.
  virtual base::Result<> remove(const std::string& root) = 0;
};

} // namespace world
