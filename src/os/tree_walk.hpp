#pragma once
// Tree walk: reads the names and metadata of a folder and all below it. Never follows a link.

#include "base/result.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace os {

struct TreeEntry {
  std::string path; // relative to the root; "" is the root itself
  std::uint32_t mode = 0;
  std::uint32_t user = 0;
  std::uint32_t group = 0;
  std::uint64_t size = 0;
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
};

bool is_excluded(std::string_view path, const std::vector<std::string>& exclude);

// The root first, then all below it in byte order of their paths, a folder before what is in it.
// invalid_input: another file system is mounted below the root (left out silently it would be a
// lie). not_found: no such folder.
base::Result<std::vector<TreeEntry>> walk_tree(const std::string& root,
                                               const std::vector<std::string>& exclude);

// All extended attributes as one text (names sorted, lengths before values); "" for none or where
// the file system has none. POSIX ACLs are among them (system.posix_acl_*).
std::string read_attributes(const std::string& path);
// Make the attributes of `to` those of `from`. Those that need privilege are passed over without.
base::Result<> copy_attributes(const std::string& from, const std::string& to);

// Call `work(index)` for 0..count-1 from several threads; the first error ends it.
base::Result<> in_parallel(std::size_t count,
                           const std::function<base::Result<>(std::size_t)>& work);

} // namespace os
