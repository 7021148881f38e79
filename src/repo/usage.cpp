#include "repo/usage.hpp"

#include "repo/restore.hpp"

namespace repo {

using base::ok;
using base::Result;
using format::BlobType;
using format::Id;
using format::Node;
using format::NodeType;

namespace {

class Marker {
public:
  Marker(Repository& repository, const UsageWatch& watch)
      : repository_{repository}, watch_{watch}, reader_{repository} {}

  Result<> see(const Id& root, const std::string& snapshot) {
    std::vector<std::pair<Id, std::string>> open{{root, "/"}};
    while (!open.empty()) {
      const auto [id, path] = std::move(open.back());
      open.pop_back();
      if (!usage_.trees.insert(id).second)
        continue;
      if (watch_.look && usage_.trees.size() % 256 == 0)
        TRY(watch_.look());
      auto nodes = read_tree(reader_, id);
      if (!nodes) {
        TRY(watch_.broken("snapshot " + snapshot + ", '" + path + "': " + nodes.error().message));
        continue;
      }
      for (const Node& node : nodes.value()) {
        const std::string whole = (path == "/" ? "" : path) + "/" + node.name;
        if (node.subtree)
          open.emplace_back(*node.subtree, whole);
        TRY(see_content(node, snapshot, whole));
      }
    }
    return ok();
  }

  Usage take() { return std::move(usage_); }

private:
  Result<> see_content(const Node& node, const std::string& snapshot, const std::string& path) {
    std::uint64_t size = 0;
    bool is_known = true;
    for (const Id& id : node.content) {
      usage_.data.insert(id);
      const auto place = repository_.index().find(id, BlobType::data);
      if (place) {
        size += place->blob.plain_bytes();
        continue;
      }
      is_known = false;
      TRY(watch_.broken("snapshot " + snapshot + ", '" + path + "': data blob " + short_id(id) +
                        " is in no index file"));
    }
    if (is_known && node.type == NodeType::file && size != node.size)
      TRY(watch_.broken("snapshot " + snapshot + ", '" + path + "': its blobs hold " +
                        std::to_string(size) + " bytes, its size is " + std::to_string(node.size)));
    return ok();
  }

  Repository& repository_;
  const UsageWatch& watch_;
  BlobReader reader_;
  Usage usage_;
};

} // namespace

Result<Usage> find_usage(Repository& repository, const std::vector<format::Snapshot>& snapshots,
                         const UsageWatch& watch) {
  Marker finder{repository, watch};
  for (const format::Snapshot& snapshot : snapshots)
    TRY(finder.see(snapshot.tree, short_id(snapshot.id)));
  return finder.take();
}

} // namespace repo
