#pragma once
// TreePlan: what has to be done so that a copy becomes what its source is. Pure.

#include "os/catalogue.hpp"

#include <string>
#include <vector>

namespace os {

struct PlannedEntry {
  const CatalogueEntry* old = nullptr; // of the catalogue of the call before
  const TreeEntry* copy = nullptr;     // what is there now, of the same kind
  bool is_kept = false;                // the copy is what the source is: nothing to do
  // Of the folder: something in it is made, changed or removed, or its own metadata is.
  bool is_touched = false;
  std::size_t first = 0; // index of the first name of the same file; its own for all others
};

// Files of one folder that one thread copies.
struct Batch {
  std::string folder;
  std::vector<std::size_t> entries;
  std::uint64_t bytes = 0;
};

struct TreePlan {
  std::vector<PlannedEntry> entries; // one for each of `sources`
  std::vector<std::string> gone;     // paths in the copy to be removed, with all below them
  std::vector<std::size_t> folders;  // touched ones, outermost first
  std::vector<std::size_t> linked;   // further names of a file, to be linked
  std::vector<Batch> batches;        // of everything else, the largest first
  std::uint64_t bytes = 0;           // to be read
  bool has_work() const { return !gone.empty() || !folders.empty() || !batches.empty(); }
};

// Of one path at two times: nothing changed that anybody can see.
bool is_same_source(const TreeEntry& now, const TreeEntry& then);

// All three in byte order of their paths; the plan points into them.
TreePlan make_plan(const std::vector<TreeEntry>& sources, const std::vector<TreeEntry>& copies,
                   const Catalogue& old);

// Index of this path, or entries.size().
std::size_t index_of(const std::vector<TreeEntry>& entries, const std::string& path);

} // namespace os
