#include "sim/disk.hpp"

#include "base/text.hpp"

#include <utility>

namespace sim {

Disk::Disk() {
  nodes_["/"] = Node{world::EntryKind::folder, "", 0755, 1};
}

bool Disk::passes_link(std::string_view path) const {
  for (const std::string& link : links_)
    if (path.size() > link.size() && path[link.size()] == '/' && path.starts_with(link))
      return true;
  return false;
}

std::string Disk::real(const std::string& path) const {
  if (!passes_link(path)) // nearly always: the simulator lives on this
    return path;
  std::string at;
  const auto parts = base::split(std::string_view{path}.substr(1), '/');
  for (std::size_t index = 0; index < parts.size(); ++index) {
    std::string next = at + "/" + parts[index];
    const auto node = nodes_.find(next);
    const bool is_last = index + 1 == parts.size();
    if (!is_last && node != nodes_.end() && node->second.kind == world::EntryKind::link)
      next = real_to_end(base::absolute_path(node->second.content, at.empty() ? "/" : at));
    at = next;
  }
  return at;
}

std::string Disk::real_to_end(const std::string& path) const {
  std::string at = real(path);
  const auto node = nodes_.find(at);
  if (node != nodes_.end() && node->second.kind == world::EntryKind::link)
    return real_to_end(base::absolute_path(node->second.content, base::parent_of(at)));
  return at;
}

const Node* Disk::find(const std::string& path) const {
  // Without a copy of the path where there is none to be made: nearly always.
  const auto node = passes_link(path) ? nodes_.find(real(path)) : nodes_.find(path);
  return node == nodes_.end() ? nullptr : &node->second;
}

Node* Disk::find(const std::string& path) {
  return const_cast<Node*>(std::as_const(*this).find(path));
}

Node& Disk::put(const std::string& path, Node node) {
  const std::string where = real(path);
  const std::string parent = base::parent_of(where);
  if (!nodes_.contains(parent))
    put(parent, Node{world::EntryKind::folder, "", 0755, 0});
  node.inode = next_inode_++;
  note(where, node.kind);
  return nodes_[where] = std::move(node);
}

Node& Disk::write(const std::string& path, std::string content, std::uint32_t mode) {
  return put(path, Node{world::EntryKind::file, std::move(content), mode, 0});
}

void Disk::move(const std::string& from, const std::string& to) {
  const std::string source = real(from);
  const std::string target = real(to);
  std::vector<std::pair<std::string, Node>> moved;
  for (auto at = nodes_.lower_bound(source); at != nodes_.end();) {
    if (!base::is_inside(at->first, source)) {
      if (!at->first.starts_with(source))
        break;
      ++at; // "/ab" sorts between "/a" and "/a/x"
      continue;
    }
    links_.erase(at->first);
    moved.emplace_back(target + at->first.substr(source.size()), std::move(at->second));
    at = nodes_.erase(at);
  }
  for (auto& [path, node] : moved) {
    note(path, node.kind);
    nodes_[path] = std::move(node);
  }
}

void Disk::swap(const std::string& a, const std::string& b) {
  const std::string aside = real(a) + ".sim-swap";
  move(a, aside);
  move(b, a);
  move(aside, b);
}

void Disk::erase(const std::string& path) {
  const std::string where = real(path);
  for (auto at = nodes_.lower_bound(where); at != nodes_.end() && at->first.starts_with(where);) {
    if (!base::is_inside(at->first, where)) {
      ++at;
      continue;
    }
    links_.erase(at->first);
    at = nodes_.erase(at);
  }
}

void Disk::note(const std::string& path, world::EntryKind kind) {
  if (kind == world::EntryKind::link)
    links_.insert(path);
  else
    links_.erase(path);
}

std::vector<std::pair<std::string, const Node*>> Disk::below(const std::string& root) const {
  const std::string where = real(root) + "/";
  std::vector<std::pair<std::string, const Node*>> found;
  for (auto at = nodes_.lower_bound(where); at != nodes_.end() && at->first.starts_with(where);
       ++at)
    found.emplace_back(at->first.substr(where.size()), &at->second);
  return found;
}

std::vector<std::string> Disk::children(const std::string& path) const {
  std::vector<std::string> names;
  for (const auto& [name, node] : below(path))
    if (name.find('/') == std::string::npos)
      names.push_back(name);
  return names;
}

} // namespace sim
