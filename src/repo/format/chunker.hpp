#pragma once
// Chunker: where restic cuts a file into blobs, bit for bit (Rabin fingerprint over 64 bytes).
// Source: restic/chunker chunker.go, polynomials.go.

#include "world/random.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace repo::format {

// A polynomial over GF(2): bit n is the coefficient of x^n.
using Polynomial = std::uint64_t;
bool is_irreducible(Polynomial polynomial);
// A random irreducible one of degree 53.
Polynomial new_polynomial(world::Random& random);
bool is_usable_polynomial(Polynomial polynomial); // degree 53 and irreducible

constexpr std::size_t chunk_bytes_min = 512U << 10U;
constexpr std::size_t chunk_bytes_max = 8U << 20U;

class Chunker {
public:
  explicit Chunker(Polynomial polynomial); // usable
  // How many bytes from the start of `bytes`, where a chunk begins, belong to it. `bytes` must hold
  // chunk_bytes_max bytes, or all that is left of the file.
  std::size_t chunk_size(std::string_view bytes) const;
  // The same while more of the file is still to come: how long the chunk is, or 0 when it does not
  // end in these bytes. `seen`, at first 0, is how many of them need not be looked at again.
  std::size_t find_cut(std::string_view bytes, std::size_t& seen, bool is_whole) const;

private:
  static constexpr std::size_t lanes = 4;
  std::size_t cut_in_lanes(const unsigned char* bytes, std::size_t begin, std::size_t step) const;
  std::uint64_t fingerprint_before(const unsigned char* end) const;
  std::array<std::uint64_t, 256> out_{};
  std::array<std::uint64_t, 256> mod_{};
};

} // namespace repo::format
