#pragma once
// Look: what is in snapshots, and what differs between two of them, without bringing anything back.

#include "repo/exclude.hpp"
#include "repo/format/tree.hpp"
#include "repo/repository.hpp"

#include <functional>
#include <string>
#include <vector>

namespace repo {

// Calls `found` for each entry of these snapshots that the patterns match, as `belay backup
// --exclude` reads patterns: what is below a match is matched too. A folder that is the same in
// several snapshots, at the same path, and in which nothing matches, is read once.
struct FindOptions {
  std::vector<std::string> patterns;
  bool is_case_ignored = false; // of the letters a to z
};
base::Result<> find(Repository& repository, const std::vector<format::Snapshot>& snapshots,
                    const FindOptions& options,
                    const std::function<void(const format::Snapshot&, const std::string& path,
                                             const format::Node&)>& found);

enum class Change { added, removed, content, kind, metadata };
struct DiffOptions {
  std::string below_a = "/"; // compare these folders
  std::string below_b = "/";
  bool has_metadata = false; // tell also of what differs in metadata alone
};
struct DiffCount {
  std::uint64_t files = 0;
  std::uint64_t folders = 0;
  std::uint64_t others = 0;
  std::uint64_t data_blobs = 0;
  std::uint64_t tree_blobs = 0;
  std::uint64_t bytes = 0; // of the blobs, before compression
};
struct DiffReport {
  DiffCount added;
  DiffCount removed;
  std::uint64_t changed_files = 0; // by content
};
// `seen` gets both nodes, null where there is none. The blobs counted are those that only one side
// needs. not_found: no such folder.
base::Result<DiffReport>
diff(Repository& repository, const format::Snapshot& a, const format::Snapshot& b,
     const DiffOptions& options,
     const std::function<void(Change, const std::string& path, const format::Node* old,
                              const format::Node* now)>& seen);

} // namespace repo
