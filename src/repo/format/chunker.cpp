#include "repo/format/chunker.hpp"

#include "base/result.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace repo::format {

namespace {

constexpr int degree = 53;
constexpr std::size_t window_bytes = 64;
constexpr std::uint64_t cut_mask = (1U << 20U) - 1; // one position in 2^20 is a cut
constexpr std::size_t strip_bytes = 4096;           // of one lane; stays in the cache

int degree_of(Polynomial polynomial) {
  return 63 - std::countl_zero(polynomial); // -1 of zero
}

Polynomial remainder_of(Polynomial polynomial, Polynomial divisor) {
  const int wanted = degree_of(divisor);
  for (int own = degree_of(polynomial); own >= wanted; own = degree_of(polynomial))
    polynomial ^= divisor << static_cast<unsigned>(own - wanted);
  return polynomial;
}

// a * b mod m; the degrees of a and b are below that of m, which is at most 62.
Polynomial product_mod(Polynomial a, Polynomial b, Polynomial m) {
  Polynomial product = 0;
  const Polynomial top = Polynomial{1} << static_cast<unsigned>(degree_of(m));
  for (; b != 0; b >>= 1U) {
    if ((b & 1U) != 0)
      product ^= a;
    a <<= 1U;
    if ((a & top) != 0)
      a ^= m;
  }
  return product;
}

Polynomial common_divisor(Polynomial a, Polynomial b) {
  while (b != 0)
    a = std::exchange(b, remainder_of(a, b));
  return a;
}

} // namespace

// Ben-Or: x^(2^i) - x has no divisor in common with it for i up to half its degree.
bool is_irreducible(Polynomial polynomial) {
  const int own = degree_of(polynomial);
  if (own < 2 || own > 62)
    return false;
  Polynomial power = 2; // x
  for (int round = 1; round <= own / 2; ++round) {
    power = product_mod(power, power, polynomial);
    if (common_divisor(polynomial, power ^ 2U) != 1)
      return false;
  }
  return true;
}

bool is_usable_polynomial(Polynomial polynomial) {
  return degree_of(polynomial) == degree && is_irreducible(polynomial);
}

Polynomial new_polynomial(world::Random& random) {
  for (;;) { // about one in 53 is irreducible
    std::array<unsigned char, 8> bytes{};
    random.fill(bytes);
    Polynomial polynomial = 0;
    std::memcpy(&polynomial, bytes.data(), bytes.size());
    polynomial &= (Polynomial{1} << degree) - 1;
    polynomial |= (Polynomial{1} << degree) | 1U;
    if (is_irreducible(polynomial))
      return polynomial;
  }
}

Chunker::Chunker(Polynomial polynomial) {
  CHECK(degree_of(polynomial) == degree);
  const auto append = [&](Polynomial hash, unsigned byte) {
    return remainder_of((hash << 8U) | byte, polynomial);
  };
  for (unsigned byte = 0; byte < 256; ++byte) {
    Polynomial hash = append(0, byte);
    for (std::size_t at = 1; at < window_bytes; ++at)
      hash = append(hash, 0);
    out_[byte] = hash; // to be taken away when the byte leaves the window
    const Polynomial high = Polynomial{byte} << degree;
    mod_[byte] = remainder_of(high, polynomial) | high;
  }
}

std::uint64_t Chunker::fingerprint_before(const unsigned char* end) const {
  std::uint64_t digest = 0;
  for (const unsigned char* at = end - window_bytes; at != end; ++at)
    digest = ((digest << 8U) | *at) ^ mod_[digest >> (degree - 8)];
  return digest;
}

// Only the last 64 bytes matter, so several places can be scanned at once: `step` bytes from
// `begin` on, and from begin + step on, and so on. The cut, or 0.
std::size_t Chunker::cut_in_lanes(const unsigned char* bytes, std::size_t begin,
                                  std::size_t step) const {
  std::array<std::uint64_t, lanes> digest{};
  std::array<std::size_t, lanes> found{};
  for (std::size_t lane = 0; lane < lanes; ++lane)
    digest[lane] = fingerprint_before(bytes + begin + lane * step);
  const unsigned char* here = bytes + begin;
  for (std::size_t at = 0; at < step; ++at, ++here) {
    bool is_cut = false;
#pragma GCC unroll 4 // so that the lanes stay in registers
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const unsigned char* const byte = here + lane * step;
      const std::uint64_t slid = digest[lane] ^ out_[*(byte - window_bytes)];
      digest[lane] = ((slid << 8U) | *byte) ^ mod_[slid >> (degree - 8)];
      is_cut = is_cut || (digest[lane] & cut_mask) == 0;
    }
    if (!is_cut) [[likely]]
      continue;
    for (std::size_t lane = 0; lane < lanes; ++lane)
      if ((digest[lane] & cut_mask) == 0 && found[lane] == 0)
        found[lane] = begin + lane * step + at + 1;
    if (found[0] != 0)
      break; // the others come later
  }
  const auto* const first = std::ranges::find_if(found, [](std::size_t cut) { return cut != 0; });
  return first == found.end() ? 0 : *first;
}

std::size_t Chunker::chunk_size(std::string_view bytes) const {
  std::size_t seen = 0;
  return find_cut(bytes, seen, true);
}

std::size_t Chunker::find_cut(std::string_view bytes, std::size_t& seen, bool is_whole) const {
  const bool is_enough = is_whole || bytes.size() >= chunk_bytes_max;
  const std::size_t end = std::min(bytes.size(), chunk_bytes_max);
  if (end <= chunk_bytes_min)
    return is_enough ? end : 0;
  const auto* const raw = reinterpret_cast<const unsigned char*>(bytes.data());
  if (seen < chunk_bytes_min) {
    if ((fingerprint_before(raw + chunk_bytes_min) & cut_mask) == 0)
      return chunk_bytes_min;
    seen = chunk_bytes_min;
  }
  for (; seen + lanes * strip_bytes <= end; seen += lanes * strip_bytes)
    if (const std::size_t cut = cut_in_lanes(raw, seen, strip_bytes); cut != 0)
      return cut;
  if (!is_enough)
    return 0;
  std::uint64_t digest = fingerprint_before(raw + seen);
  for (; seen < end; ++seen) {
    digest ^= out_[raw[seen - window_bytes]];
    digest = ((digest << 8U) | raw[seen]) ^ mod_[digest >> (degree - 8)];
    if ((digest & cut_mask) == 0)
      return seen + 1;
  }
  return end;
}

} // namespace repo::format
