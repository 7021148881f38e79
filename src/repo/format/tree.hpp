#pragma once
// Tree: the entries of one folder, as the blob that restic makes of them, byte for byte.
// Source: restic internal/data/node.go, tree.go.

#include "repo/format/id.hpp"
#include "repo/format/time.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace repo::format {

enum class NodeType { file, folder, link, block_device, char_device, fifo, socket, other };

struct Attribute { // extended
  std::string name;
  std::string value;
  auto operator<=>(const Attribute&) const = default;
};

struct Node {
  std::string name; // any bytes but '/' and zero
  NodeType type = NodeType::file;
  std::uint32_t mode = 0; // permission bits with set-id and sticky, as stat says them
  Time mtime;
  Time atime;
  Time ctime;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string user;
  std::string group;
  std::uint64_t inode = 0;
  std::uint64_t device_id = 0; // of the file system
  std::uint64_t size = 0;      // of a file: what its blobs hold
  std::uint64_t links = 0;
  std::string target;                // of a link: any bytes
  std::vector<Attribute> attributes; // sorted by name
  std::uint64_t device = 0;          // of a device node, as stat's st_rdev
  std::vector<Id> content;           // of a file
  std::optional<Id> subtree;         // of a folder
  bool operator==(const Node&) const = default;
};

// Sorts by the bytes of the names, which must all be different.
std::string encode_tree(std::vector<Node> nodes);
// corrupt: unreadable, or a name that can stand for another place ("..", "a/b"), or out of order.
base::Result<std::vector<Node>> decode_tree(std::string_view text);
const char* name_of(NodeType type); // "file", "dir", "symlink", ...

} // namespace repo::format
