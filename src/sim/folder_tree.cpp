#include "sim/folder_tree.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <set>

namespace sim {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::Entry;
using world::EntryType;
using Kind = FolderEffect::Kind;

namespace {

constexpr std::uint64_t root_inode = 1;
constexpr std::size_t page_bytes = 4096;
constexpr std::int64_t first_tick = 2'000'000'000; // later than all that tests write

Error nothing_at(const std::string& path) {
  return {ErrorKind::not_found, "there is no '" + path + "'", ""};
}

bool coin(std::mt19937_64& random) {
  return random() % 2 == 0;
}

// Page by page one or the other; what a page has in neither is zeros.
std::string mixed(const std::string& a, const std::string& b, std::mt19937_64& random) {
  std::string bytes((coin(random) ? a : b).size(), '\0');
  for (std::size_t at = 0; at < bytes.size(); at += page_bytes) {
    const std::string& from = coin(random) ? a : b;
    for (std::size_t byte = at; byte < std::min(at + page_bytes, bytes.size()); ++byte)
      bytes[byte] = byte < from.size() ? from[byte] : '\0';
  }
  return bytes;
}

FolderTree::Inode mixed(const FolderTree::Inode& old, const FolderTree::Inode& now,
                        std::mt19937_64& random) {
  FolderTree::Inode inode = coin(random) ? old : now; // its metadata
  inode.content = mixed(old.content, now.content, random);
  inode.names.clear();
  std::map<std::string, std::uint64_t> all = old.names;
  all.insert(now.names.begin(), now.names.end());
  for (const auto& [name, number] : all) {
    const auto& from = coin(random) ? old.names : now.names;
    if (const auto found = from.find(name); found != from.end())
      inode.names.insert(*found);
  }
  return inode;
}

} // namespace

const char* name_of(Kind kind) {
  switch (kind) {
  case Kind::make_folder: return "make_folder";
  case Kind::make_file: return "make_file";
  case Kind::make_other: return "make_other";
  case Kind::link: return "link";
  case Kind::write: return "write";
  case Kind::punch: return "punch";
  case Kind::finish: return "finish";
  case Kind::remove: return "remove";
  case Kind::sync: return "sync";
  }
  return "?";
}

FolderTree::FolderTree() {
  Inode& root = inodes_[root_inode];
  root.entry.type = EntryType::folder;
  root.entry.mode = 0755;
  root.entry.inode = root_inode;
  root.entry.device = 1;
  root.entry.links = 2;
}

const FolderTree::Inode* FolderTree::find(const std::string& path) const {
  const Inode* at = &inodes_.at(root_inode);
  for (const std::string& part : base::split(path, '/')) {
    if (part.empty())
      continue;
    const auto found = at->names.find(part);
    if (found == at->names.end())
      return nullptr;
    at = &inodes_.at(found->second);
  }
  return at;
}

FolderTree::Inode* FolderTree::find_mutable(const std::string& path) {
  return const_cast<Inode*>(std::as_const(*this).find(path)); // NOLINT
}

void FolderTree::touch(Inode& inode, bool is_content) {
  inode.entry.ctime = {first_tick + ++ticks_, 0};
  if (is_content)
    inode.entry.mtime = inode.entry.ctime;
}

Result<> FolderTree::apply(const FolderEffect& effect) {
  switch (effect.kind) {
  case Kind::make_folder:
  case Kind::make_file:
  case Kind::make_other:
  case Kind::link: return make(effect);
  case Kind::remove: return remove(effect.path);
  case Kind::sync: return ok();
  default: break;
  }
  Inode* const inode = find_mutable(effect.path);
  return inode == nullptr ? nothing_at(effect.path) : change(*inode, effect);
}

Result<> FolderTree::make(const FolderEffect& effect) {
  Inode* const parent = find_mutable(base::parent_of(effect.path));
  if (parent == nullptr || parent->entry.type != EntryType::folder)
    return nothing_at(base::parent_of(effect.path));
  const std::string name = base::name_of_path(effect.path);
  if (parent->names.contains(name))
    return Error{ErrorKind::conflict, "there is a '" + effect.path + "' already", ""};
  std::uint64_t number = next_;
  if (effect.kind == Kind::link) {
    Inode* const existing = find_mutable(effect.existing);
    if (existing == nullptr)
      return nothing_at(effect.existing);
    number = existing->entry.inode;
    ++existing->entry.links;
    touch(*existing, false);
  } else {
    Inode& made = inodes_[next_++];
    if (effect.kind == Kind::make_other)
      made.entry = effect.entry;
    else
      made.entry.mode = effect.kind == Kind::make_folder ? 0700 : 0600;
    if (effect.kind == Kind::make_folder)
      made.entry.type = EntryType::folder;
    made.entry.name.clear();
    made.entry.inode = number;
    made.entry.device = 1;
    made.entry.links = effect.kind == Kind::make_folder ? 2 : 1;
    touch(made, effect.kind != Kind::make_other);
  }
  parent->names[name] = number;
  touch(*parent, true);
  return ok();
}

Result<> FolderTree::change(Inode& inode, const FolderEffect& effect) {
  std::string& content = inode.content;
  if (effect.kind == Kind::finish) {
    if (inode.entry.type == EntryType::file)
      content.resize(effect.entry.size_bytes, '\0');
    inode.entry.mode = effect.entry.mode;
    inode.entry.user = effect.entry.user;
    inode.entry.group = effect.entry.group;
    inode.entry.attributes = effect.entry.attributes;
    touch(inode, false);
    inode.entry.mtime = effect.entry.mtime;
    inode.entry.atime = effect.entry.atime;
  } else if (effect.kind == Kind::write) {
    const std::size_t end = effect.offset + effect.bytes.size();
    content.resize(std::max(content.size(), end), '\0');
    content.replace(effect.offset, effect.bytes.size(), effect.bytes);
    touch(inode, true);
  } else {
    const std::size_t end = std::min<std::size_t>(effect.offset + effect.length, content.size());
    for (std::size_t at = effect.offset; at < end; ++at)
      content[at] = '\0';
    touch(inode, true);
  }
  inode.entry.size_bytes = inode.entry.allocated_bytes = content.size();
  return ok();
}

Result<> FolderTree::remove(const std::string& path) {
  Inode* const parent = find_mutable(base::parent_of(path));
  const auto found = parent == nullptr ? decltype(parent->names.end()){}
                                       : parent->names.find(base::name_of_path(path));
  if (parent == nullptr || found == parent->names.end())
    return ok();
  const std::uint64_t number = found->second;
  parent->names.erase(found);
  touch(*parent, true);
  remove_below(number);
  return ok();
}

void FolderTree::remove_below(std::uint64_t number) {
  Inode& inode = inodes_.at(number);
  for (const auto& [name, below] : std::map{inode.names})
    remove_below(below);
  touch(inode, false);
  if (inode.entry.type == EntryType::folder || --inode.entry.links == 0)
    inodes_.erase(number);
}

void FolderTree::describe(std::uint64_t number, const std::string& path, std::string& text,
                          std::map<std::uint64_t, std::string>& first_names) const {
  const Inode& inode = inodes_.at(number);
  const Entry& entry = inode.entry;
  const auto [first, is_first] = first_names.emplace(number, path);
  text += path + " type " + std::to_string(static_cast<int>(entry.type)) + " mode " +
          std::to_string(entry.mode) + " owner " + std::to_string(entry.user) + ":" +
          std::to_string(entry.group) + " mtime " + std::to_string(entry.mtime.seconds) + "." +
          std::to_string(entry.mtime.nanoseconds);
  if (entry.type == EntryType::file)
    text += " size " + std::to_string(inode.content.size()) + " content " +
            std::to_string(std::hash<std::string>{}(inode.content));
  if (entry.type == EntryType::link)
    text += " to " + entry.target;
  if (!is_first)
    text += " is " + first->second;
  for (const auto& [name, value] : std::map{entry.attributes.begin(), entry.attributes.end()})
    text += " " + name + "=" + value;
  text += "\n";
  for (const auto& [name, below] : inode.names)
    describe(below, path + "/" + name, text, first_names);
}

std::string FolderTree::describe(const std::string& root) const {
  const Inode* const inode = find(root);
  if (inode == nullptr)
    return "";
  std::string text;
  std::map<std::uint64_t, std::string> first_names;
  describe(inode->entry.inode, ".", text, first_names);
  return text;
}

void FolderTree::count_links() {
  std::map<std::uint64_t, std::uint64_t> links;
  std::set<std::uint64_t> reached;
  std::vector<std::uint64_t> open{root_inode};
  while (!open.empty()) {
    const std::uint64_t number = open.back();
    open.pop_back();
    if (!reached.insert(number).second)
      continue;
    for (const auto& [name, below] : inodes_.at(number).names) {
      ++links[below];
      open.push_back(below);
    }
  }
  std::erase_if(inodes_, [&](const auto& each) { return !reached.contains(each.first); });
  for (auto& [number, inode] : inodes_)
    if (inode.entry.type != EntryType::folder)
      inode.entry.links = links[number];
}

FolderTree FolderTree::after_power_cut(const FolderTree& durable, const FolderTree& now,
                                       std::mt19937_64& random) {
  FolderTree left = now;
  for (const auto& [number, inode] : durable.inodes_)
    left.inodes_.emplace(number, inode); // what was removed may still be there
  for (auto& [number, inode] : left.inodes_) {
    const auto old = durable.inodes_.find(number);
    const auto is = now.inodes_.find(number);
    if (is == now.inodes_.end())
      continue;
    Inode empty = is->second; // it was made since: any part of it may be there
    empty.content.clear();
    empty.names.clear();
    inode = mixed(old == durable.inodes_.end() ? empty : old->second, is->second, random);
    inode.entry.size_bytes = inode.entry.allocated_bytes = inode.content.size();
  }
  left.count_links();
  return left;
}

} // namespace sim
