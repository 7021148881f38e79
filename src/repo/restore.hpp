#pragma once
// Restore: the files of a snapshot, brought back into a new place, or in place; and looked at in
// the repository.

#include "repo/format/tree.hpp"
#include "repo/lock.hpp"
#include "world/folders.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace repo {

// A restore in place makes a folder what it was, and writes only what differs.
struct InPlace {
  bool is_extra_removed = false; // what the snapshot has not goes
  // A file of the same size and time of change is taken as the same. Not after a machine lost its
  // power: then the times may be older than the content.
  bool is_time_trusted = false;
  bool is_dry_run = false; // nothing is changed
  // Left as it is, in the target and in the snapshot, by paths of the snapshot.
  std::vector<std::string> exclude;
  enum class Change { make, change, remove };
  // What is done, or would be, by its path below the target; by several threads, one at a time.
  std::function<void(Change, const std::string& path)> tell;
};

struct RestoreOptions {
  std::string target;      // an absolute path: an empty folder, or nothing yet
  std::string below = "/"; // only this folder of the snapshot, which then becomes the target
  bool has_holes = false;  // runs of zeros become holes
  std::size_t threads = 0; // 0: as many as there are cores, at most 8; fewer for want of memory
  std::optional<InPlace> in_place;
};

struct RestoreReport {
  std::uint64_t files = 0;
  std::uint64_t folders = 0;
  std::uint64_t others = 0; // links, devices, pipes
  std::uint64_t bytes = 0;  // written; of a dry run: at most so many
  // In place only.
  std::uint64_t unchanged = 0;      // files, folders and others that were as they had to be
  std::uint64_t removed = 0;        // names, each with all that was below it
  std::uint64_t bytes_compared = 0; // read from the target
};

// Every blob is verified as it is read; owner, mode, times, attributes and hard links come back;
// all of it is durable on return. After a failure the target holds a part: remove it, or name
// another. conflict: the target is not empty. corrupt: a blob is missing or broken, the message
// names the file. not_found: no such folder in the snapshot.
// In place nothing outside the target is touched: links in it are not followed, and a file that has
// a further name elsewhere is not written to but replaced. It may be run again after a failure or a
// death, and ends at the same. conflict: without is_extra_removed, a folder that is not empty
// stands where the snapshot has something else.
base::Result<RestoreReport> restore(Repository& repository, Lock& lock, world::Folders& folders,
                                    const format::Snapshot& snapshot, const RestoreOptions& options,
                                    const std::function<void(const RestoreReport&)>& progress);

// Calls `see` for every entry below `path` of the snapshot, a folder before what is in it. `path`
// may be that of a file. not_found. Stops at the first error of `see`.
base::Result<> for_each_node(
    Repository& repository, const format::Snapshot& snapshot, const std::string& path,
    const std::function<base::Result<>(const std::string& path, const format::Node&)>& see);

// The bytes of a plain file, piece by piece. not_found; invalid_input: it is no file.
base::Result<> dump(Repository& repository, const format::Snapshot& snapshot,
                    const std::string& path,
                    const std::function<base::Result<>(std::string_view)>& write);

// The node at `path`, or nothing for the root, which has none. not_found.
base::Result<std::optional<format::Node>>
node_at(BlobReader& reader, const format::Snapshot& snapshot, const std::string& path);

// The tree of a folder in the snapshot. not_found.
base::Result<format::Id> tree_at(BlobReader& reader, const format::Snapshot& snapshot,
                                 const std::string& path);
base::Result<std::vector<format::Node>> read_tree(BlobReader& reader, const format::Id& id);

} // namespace repo
