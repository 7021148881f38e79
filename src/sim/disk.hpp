#pragma once
// Disk: a file system in memory. Everything on it is durable: the Files port offers nothing else.

#include "world/files.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sim {

struct Node {
  world::EntryKind kind = world::EntryKind::file;
  std::string content; // bytes of a file, target of a link
  std::uint32_t mode = 0600;
  std::uint64_t inode = 0;
};

class Disk {
public:
  Disk();

  // `path` with every link on the way, but not a link at its end, followed.
  std::string real(const std::string& path) const;
  std::string real_to_end(const std::string& path) const;
  const Node* find(const std::string& path) const; // absent: nullptr
  Node* find(const std::string& path);
  Node& put(const std::string& path, Node node); // makes parents; gives it an inode
  Node& write(const std::string& path, std::string content, std::uint32_t mode = 0600);
  void move(const std::string& from, const std::string& to); // with everything below
  void swap(const std::string& a, const std::string& b);
  void erase(const std::string& path); // with everything below
  std::vector<std::string> children(const std::string& path) const;
  // Relative paths and nodes strictly below `root`, sorted.
  std::vector<std::pair<std::string, const Node*>> below(const std::string& root) const;

private:
  bool passes_link(std::string_view path) const;
  void note(const std::string& path, world::EntryKind kind);
  std::map<std::string, Node, std::less<>> nodes_;
  std::set<std::string, std::less<>> links_; // their paths: few, and asked for at every look-up
  std::uint64_t next_inode_ = 2;
};

} // namespace sim
