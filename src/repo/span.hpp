#pragma once
// Span: blobs that lie one behind the other in a pack, and are read at once.

#include "repo/index.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace repo {

struct BlobSpan {
  format::Id pack;
  std::vector<format::PackedBlob> blobs; // by their place, one at least

  std::uint64_t begin() const { return blobs.front().offset; }
  std::uint64_t end() const { return std::uint64_t{blobs.back().offset} + blobs.back().length; }
  std::uint64_t length() const { return end() - begin(); }
  // Of one of them, in the bytes of the span; shorter when these were cut.
  std::string_view box_of(const format::PackedBlob& blob, std::string_view bytes) const;
};

// Each of a few MiB, or a little more.
std::vector<BlobSpan> blob_spans(std::vector<BlobPlace> places);

} // namespace repo
