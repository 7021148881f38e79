#pragma once
// Catalogue: what is in a kept copy, entry by entry. Format: docs/formats/catalogue.md.

#include "os/tree_walk.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace os {

struct CatalogueEntry {
  TreeEntry source;       // as it was when it was captured
  std::string sha256;     // of a file's bytes; empty for everything else
  std::string attributes; // digest_of() its extended attributes; empty for none
  std::string first_name; // of a file with several names in the tree, for all but the first
  // It changed so shortly before it was read that a later change may have left it the same times.
  bool is_fresh = false;
  // The copy: as it was when it was last written or read back.
  std::uint64_t copy_inode = 0;
  std::int64_t copy_ctime_ns = 0;
  bool is_verified = false; // the copy's bytes were read back and had this digest
};

struct Catalogue {
  std::vector<CatalogueEntry> entries; // in byte order of their paths
};

std::string encode(const Catalogue& catalogue);
base::Result<Catalogue> decode_catalogue(std::string_view text); // corrupt, too_new
// SHA-256 over names, kinds, owners, permission bits, link targets, which names are of one file,
// attributes and contents. No times.
std::string digest_of(const Catalogue& catalogue);

base::Result<Catalogue> read_catalogue(const std::string& path); // not_found
// Durable when it returns. In two parts for who syncs the whole file system in between.
base::Result<> write_catalogue(const std::string& path, const Catalogue& catalogue);
base::Result<Fd> begin_catalogue(const std::string& path, const Catalogue& catalogue);
base::Result<> name_catalogue(const std::string& path); // what was begun, and is synced

} // namespace os
