#pragma once
// Tree walk: reads the names and metadata of a folder and all below it. Never follows a link.

#include "os/tree_root.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

struct stat;

namespace os {

struct TreeEntry {
  std::string path; // relative to the root; "" is the root itself
  std::uint32_t mode = 0;
  std::uint32_t user = 0;
  std::uint32_t group = 0;
  std::uint64_t size = 0; // of a file; 0 for everything else
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t links = 1;
  std::uint64_t special = 0; // device number of a device node
  std::uint64_t allocated_bytes = 0;
  std::string target; // of a link
  bool is_file() const;
  bool is_folder() const;
  bool is_link() const;
  bool is_same_kind(const TreeEntry& other) const;
};

TreeEntry entry_of(const struct stat& info); // without path and target
base::Result<TreeEntry> look_at(const Fd& file, const std::string& whole);
base::Result<TreeEntry> look_at(const Spot& spot); // not_found

bool is_excluded(std::string_view path, const std::vector<std::string>& exclude);

// The root first, then all below it in byte order of their paths, a folder before what is in it.
// What goes away while we look is left out. invalid_input: another file system is mounted below
// the root (left out silently it would be a lie). not_found: no such folder.
base::Result<std::vector<TreeEntry>> walk_tree(const TreeRoot& root,
                                               const std::vector<std::string>& exclude);
base::Result<std::vector<TreeEntry>> walk_tree(const std::string& root,
                                               const std::vector<std::string>& exclude);

// Names in a folder, without "." and "..", in no order.
base::Result<std::vector<std::string>> names_in(const Fd& folder, const std::string& whole);

} // namespace os
