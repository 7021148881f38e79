#pragma once
// Folders: entries one by one with all their metadata, to back them up and to restore them. A
// folder is held open, what is in it is reached by its name alone, and never through a link.

#include "base/result.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace world {

enum class EntryType { file, folder, link, block_device, char_device, fifo, socket };

struct Moment { // since 1970 in UTC
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0; // onwards, also before 1970
  bool operator==(const Moment&) const = default;
};

struct Entry { // as lstat says it
  std::string name;
  EntryType type = EntryType::file;
  std::uint32_t mode = 0; // permission bits with set-id and sticky
  std::uint32_t user = 0;
  std::uint32_t group = 0;
  std::uint64_t size_bytes = 0; // of a file
  std::uint64_t allocated_bytes = 0;
  std::uint64_t device = 0; // of its file system
  std::uint64_t inode = 0;
  std::uint64_t links = 0;
  std::uint64_t special = 0; // the number of a device node
  Moment mtime;
  Moment atime;
  Moment ctime;
  std::string target;                                          // of a link
  std::vector<std::pair<std::string, std::string>> attributes; // extended, as the system lists them
};

// An open plain file. Several threads may read it at once.
class SourceFile {
public:
  virtual ~SourceFile() = default;
  // How many bytes came; fewer than asked for only at the end of the file.
  virtual base::Result<std::size_t> read(std::span<char> to, std::uint64_t offset) = 0;
  // The first range at or after `offset` that is no hole; empty at the end.
  virtual base::Result<std::pair<std::uint64_t, std::uint64_t>> next_data(std::uint64_t offset) = 0;
  virtual base::Result<Entry> now() = 0; // without name and attributes
};

// A file that is being made. Several threads may write to it at once.
class NewFile {
public:
  virtual ~NewFile() = default;
  virtual base::Result<> write(std::string_view bytes, std::uint64_t offset) = 0;
  // Ends it: size, owner, mode, attributes and times become those of `entry`; attributes that
  // `entry` has not go, but for labels of a security module, which follow the place.
  virtual base::Result<> finish(const Entry& entry) = 0;
};

// A file that is there and is made another: nothing of it changes before the first write() or
// punch(), or finish().
class LiveFile : public SourceFile, public NewFile {
public:
  // Makes a hole of the range: it reads as zeros then.
  virtual base::Result<> punch(std::uint64_t offset, std::uint64_t length) = 0;
};

class Folder {
public:
  virtual ~Folder() = default;

  // Sorted by the bytes of the names, with link targets and attributes. What goes away meanwhile
  // is left out.
  virtual base::Result<std::vector<Entry>> list() = 0;
  virtual base::Result<Entry> now() = 0; // this folder, with attributes, without a name
  // not_found; conflict when it is no folder, or no plain file (any more).
  virtual base::Result<std::unique_ptr<Folder>> open_folder(const std::string& name) = 0;
  virtual base::Result<std::unique_ptr<SourceFile>> open_file(const std::string& name) = 0;

  // Each makes something that is not there yet: conflict otherwise.
  virtual base::Result<std::unique_ptr<Folder>> make_folder(const std::string& name) = 0;
  virtual base::Result<std::unique_ptr<NewFile>> make_file(const std::string& name) = 0;
  virtual base::Result<> make_hard_link(const std::string& name, Folder& folder,
                                        const std::string& existing) = 0;
  // A link, device node, pipe or socket, with its metadata. failed: not allowed to us.
  virtual base::Result<> make_other(const Entry& entry) = 0;

  // Of what is there, to make it another. Gives ourselves the permission that its owner may give.
  // not_found; conflict as above.
  virtual base::Result<std::unique_ptr<Folder>> change_folder(const std::string& name) = 0;
  virtual base::Result<std::unique_ptr<LiveFile>> change_file(const std::string& name) = 0;
  // With all that is below it. Absent is fine. conflict: another file system is mounted there.
  virtual base::Result<> remove(const std::string& name) = 0;

  // Ends this folder, after all that is in it: owner, mode, attributes, times.
  virtual base::Result<> finish(const Entry& entry) = 0;
};

class Folders {
public:
  virtual ~Folders() = default;
  // The last part of the path may be a link to a folder. not_found; conflict: no folder.
  virtual base::Result<std::unique_ptr<Folder>> open(const std::string& path) = 0;
  // What stands at `path`, a link as a link, with its attributes. not_found.
  virtual base::Result<Entry> look(const std::string& path) = 0;
  // An empty folder to restore into, made with its parents when absent (0700). conflict when there
  // is something in it.
  virtual base::Result<std::unique_ptr<Folder>> open_empty(const std::string& path) = 0;
  // The same with whatever is in it.
  virtual base::Result<std::unique_ptr<Folder>> open_or_make(const std::string& path) = 0;
  // Everything that was written to the file system of `path` is durable.
  virtual base::Result<> sync(const std::string& path) = 0;
  // "path: attribute" or "path: owner" that only privilege could have kept; bounded.
  virtual std::vector<std::string> not_kept() = 0;
};

} // namespace world
