#include "repo/span.hpp"

#include <algorithm>
#include <tuple>

namespace repo {

namespace {

constexpr std::uint64_t span_bytes_max = 8U << 20U;

} // namespace

std::string_view BlobSpan::box_of(const format::PackedBlob& blob, std::string_view bytes) const {
  const std::uint64_t at = std::min<std::uint64_t>(blob.offset - begin(), bytes.size());
  return bytes.substr(at, blob.length);
}

std::vector<BlobSpan> blob_spans(std::vector<BlobPlace> places) {
  std::ranges::sort(places, [](const BlobPlace& a, const BlobPlace& b) {
    return std::tie(a.pack, a.blob.offset) < std::tie(b.pack, b.blob.offset);
  });
  std::vector<BlobSpan> spans;
  for (const BlobPlace& place : places) {
    const bool is_next = !spans.empty() && spans.back().pack == place.pack &&
                         spans.back().end() == place.blob.offset &&
                         spans.back().length() < span_bytes_max;
    if (!is_next)
      spans.push_back({place.pack, {}});
    spans.back().blobs.push_back(place.blob);
  }
  return spans;
}

} // namespace repo
