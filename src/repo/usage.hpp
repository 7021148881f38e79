#pragma once
// Usage: which blobs the snapshots need.

#include "repo/format/tree.hpp"
#include "repo/repository.hpp"

#include <functional>
#include <unordered_set>
#include <vector>

namespace repo {

struct Usage { // about 50 bytes for each blob
  std::unordered_set<format::Id, format::IdHash> data;
  std::unordered_set<format::Id, format::IdHash> trees;
  bool holds(const format::Id& id, format::BlobType type) const {
    return (type == format::BlobType::tree ? trees : data).contains(id);
  }
};

// Walks every tree of the snapshots once. `broken` hears of each tree that cannot be read or
// names what it must not, and of each blob that is in no index; when it returns an error that is
// the end. `look` is called now and then.
struct UsageWatch {
  std::function<base::Result<>(const std::string& problem)> broken;
  std::function<base::Result<>()> look;
};
base::Result<Usage> find_usage(Repository& repository,
                               const std::vector<format::Snapshot>& snapshots,
                               const UsageWatch& watch);

} // namespace repo
