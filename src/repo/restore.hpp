#pragma once
// Restore: the files of a snapshot, brought back into a new place; and looked at in the repository.

#include "repo/format/tree.hpp"
#include "repo/lock.hpp"
#include "world/folders.hpp"

#include <functional>
#include <string>
#include <vector>

namespace repo {

struct RestoreOptions {
  std::string target;      // an absolute path: an empty folder, or nothing yet
  std::string below = "/"; // only this folder of the snapshot, which then becomes the target
  bool has_holes = false;  // runs of zeros become holes
  std::size_t threads = 0; // 0: as many as there are cores, at most 8
};

struct RestoreReport {
  std::uint64_t files = 0;
  std::uint64_t folders = 0;
  std::uint64_t others = 0; // links, devices, pipes
  std::uint64_t bytes = 0;
};

// Every blob is verified as it is read; owner, mode, times, attributes and hard links come back;
// all of it is durable on return. After a failure the target holds a part: remove it, or name
// another. conflict: the target is not empty. corrupt: a blob is missing or broken, the message
// names the file. not_found: no such folder in the snapshot.
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

// The tree of a folder in the snapshot. not_found.
base::Result<format::Id> tree_at(BlobReader& reader, const format::Snapshot& snapshot,
                                 const std::string& path);
base::Result<std::vector<format::Node>> read_tree(BlobReader& reader, const format::Id& id);

} // namespace repo
