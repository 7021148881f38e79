// Any plain header of a pack: blobs that are encoded to the same bytes again, or an error.

#include "repo/format/pack.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto blobs = repo::format::decode_header(text);
  if (!blobs) {
    CHECK(blobs.error().kind == base::ErrorKind::corrupt);
    return 0;
  }
  CHECK(repo::format::encode_header(blobs.value()) == text);
  const auto& last = blobs.value().back();
  CHECK(repo::format::pack_size(blobs.value()) > std::uint64_t{last.offset} + last.length);
  return 0;
}
