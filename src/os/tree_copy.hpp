#pragma once
// Tree copy: makes one entry of a copy what the entry of the source is.

#include "os/catalogue.hpp"

#include <string>

namespace os {

struct CopiedFile {
  std::string sha256;
  bool was_reflinked = false;
  bool is_torn = false; // it changed while it was read
  TreeEntry source;     // as it was when it was read
};

// Content, holes, owner, mode, attributes and times. `to` is made anew. Not synced.
base::Result<CopiedFile> copy_file_content(const std::string& from, const std::string& to);
// A link, pipe, socket name or device node. `to` is made anew.
base::Result<> copy_special(const TreeEntry& entry, const std::string& to);
// Owner, mode, attributes and times of `entry`, read from `from`, put on `to`.
base::Result<> copy_metadata(const TreeEntry& entry, const std::string& from,
                             const std::string& to);
base::Result<std::string> sha256_of_file(const std::string& path);
// Remove what is there, a folder with all below it. Absent is fine.
base::Result<> remove_all(const std::string& path);

} // namespace os
