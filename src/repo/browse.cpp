#include "base/text.hpp"
#include "repo/restore.hpp"

#include <algorithm>

namespace repo {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using format::BlobType;
using format::Id;
using format::Node;
using format::NodeType;
using format::Snapshot;

namespace {

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (std::string& part : base::split(path, '/'))
    if (!part.empty())
      parts.push_back(std::move(part));
  return parts;
}

Error absent(const std::string& path) {
  return {ErrorKind::not_found, "there is no '" + path + "' in the snapshot",
          "List what there is with 'belay ls'."};
}

using See = std::function<Result<>(const std::string& path, const Node&)>;

Result<> see_below(BlobReader& reader, const Id& tree, const std::string& path, const See& see) {
  for (const Node& node : TRY(read_tree(reader, tree))) {
    const std::string whole = path + "/" + node.name;
    TRY(see(whole, node));
    if (node.subtree)
      TRY(see_below(reader, *node.subtree, whole, see));
  }
  return ok();
}

} // namespace

Result<std::optional<Node>> node_at(BlobReader& reader, const Snapshot& snapshot,
                                    const std::string& path) {
  std::optional<Node> node;
  Id tree = snapshot.tree;
  for (const std::string& part : parts_of(path)) {
    if (node && node->type != NodeType::folder)
      return absent(path);
    std::vector<Node> nodes = TRY(read_tree(reader, tree));
    const auto found = std::ranges::find(nodes, part, &Node::name);
    if (found == nodes.end())
      return absent(path);
    node = std::move(*found);
    if (node->subtree)
      tree = *node->subtree;
  }
  return node;
}

Result<std::vector<Node>> read_tree(BlobReader& reader, const Id& id) {
  std::string text;
  TRY(reader.read(id, BlobType::tree, text));
  return TRY_CONTEXT(format::decode_tree(text), "tree " + short_id(id));
}

Result<Id> tree_at(BlobReader& reader, const Snapshot& snapshot, const std::string& path) {
  const std::optional<Node> node = TRY(node_at(reader, snapshot, path));
  if (!node)
    return snapshot.tree;
  if (node->type != NodeType::folder)
    return Error{ErrorKind::not_found, "'" + path + "' of the snapshot is no folder", ""};
  return *node->subtree;
}

Result<> for_each_node(Repository& repository, const Snapshot& snapshot, const std::string& path,
                       const See& see) {
  BlobReader reader{repository};
  const std::optional<Node> node = TRY(node_at(reader, snapshot, path));
  const std::string whole = "/" + base::join(parts_of(path), "/");
  if (node)
    TRY(see(whole, *node));
  if (node && !node->subtree)
    return ok();
  return see_below(reader, node ? *node->subtree : snapshot.tree, node ? whole : "", see);
}

Result<> dump(Repository& repository, const Snapshot& snapshot, const std::string& path,
              const std::function<Result<>(std::string_view)>& write) {
  BlobReader reader{repository};
  const std::optional<Node> node = TRY(node_at(reader, snapshot, path));
  if (!node || node->type != NodeType::file)
    return Error{ErrorKind::invalid_input, "'" + path + "' of the snapshot is no plain file",
                 "A folder is dumped with --archive tar, or brought back with 'belay restore'."};
  std::string bytes;
  for (const Id& id : node->content) {
    TRY_CONTEXT(reader.read(id, BlobType::data, bytes), "'" + path + "'");
    TRY(write(bytes));
  }
  return ok();
}

} // namespace repo
