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
  std::string attributes; // SHA-256 of read_attributes(); empty for none
  // The copy: as it was when it was last written or read back.
  std::uint64_t copy_inode = 0;
  std::int64_t copy_ctime_ns = 0;
  bool is_verified = false; // the copy's bytes were read back and had this digest
};

struct Catalogue {
  std::vector<CatalogueEntry> entries; // in byte order of their paths
  const CatalogueEntry* find(const std::string& path) const;
};

std::string encode(const Catalogue& catalogue);
base::Result<Catalogue> decode_catalogue(std::string_view text); // corrupt, too_new
// SHA-256 over names, kinds, owners, permission bits, link targets, attributes and contents.
std::string digest_of(const Catalogue& catalogue);

base::Result<Catalogue> read_catalogue(const std::string& path); // not_found
base::Result<> write_catalogue(const std::string& path, const Catalogue& catalogue);

} // namespace os
