#pragma once
// Sha256: several hashes at once. Where the processor has instructions for it, two are computed in
// the time of little more than one.

#include "repo/format/id.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace repo::format {

// A hash that goes on as bytes come.
class Sha256 {
public:
  Id finish(); // of all bytes until now; it is as new afterwards

private:
  friend struct Sha256Lanes;
  static constexpr std::array<std::uint32_t, 8> begin{0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                                      0xa54ff53a, 0x510e527f, 0x9b05688c,
                                                      0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint32_t, 8> state_ = begin;
  std::uint64_t bytes_ = 0;
  std::array<unsigned char, 64> rest_{}; // a block that is not full yet
};

struct Hashing {
  Sha256* hash = nullptr; // a different one in each
  std::string_view bytes; // that come next
};
// Whether this processor has the instructions.
bool has_sha_instructions();

// Goes on with all of them; fastest when their sizes can be shared out evenly between two. Sorts
// `streams`. Without the instructions libcrypto does it, one after the other.
void update(std::span<Hashing> streams, bool has_instructions = has_sha_instructions());

// The names of several blobs.
template <std::size_t count>
std::array<Id, count> ids_of(const std::array<std::string_view, count>& blobs) {
  std::array<Sha256, count> hashes;
  std::array<Hashing, count> streams;
  for (std::size_t at = 0; at < count; ++at)
    streams[at] = {&hashes[at], blobs[at]};
  update(streams);
  std::array<Id, count> ids;
  for (std::size_t at = 0; at < count; ++at)
    ids[at] = hashes[at].finish();
  return ids;
}

} // namespace repo::format
