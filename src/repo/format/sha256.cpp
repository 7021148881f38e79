#include "repo/format/sha256.hpp"

#include "base/result.hpp"

#include <algorithm>
#include <cstring>

// There is no other way to go on with a state of our own.
#define OPENSSL_SUPPRESS_DEPRECATED // NOLINT
#include <openssl/sha.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace repo::format {

namespace {

constexpr std::size_t block_bytes = 64;
using State = std::array<std::uint32_t, 8>;

const unsigned char* start_of(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

// Whole blocks of one message.
struct Lane {
  State* state = nullptr;
  const unsigned char* bytes = nullptr;
  std::size_t blocks = 0;
};

void compress_by_library(Lane lane) {
  SHA256_CTX context{};
  std::ranges::copy(*lane.state, context.h);
  for (; lane.blocks > 0; --lane.blocks, lane.bytes += block_bytes)
    SHA256_Transform(&context, lane.bytes);
  std::ranges::copy(context.h, lane.state->begin());
}

#if defined(__x86_64__)

// The instructions are of the old encoding: built with anything newer around them they would be
// ten times as slow on some processors. So only these functions ask for them.
#define BELAY_SHA __attribute__((target("sha,sse4.1"))) // NOLINT

alignas(16) constexpr std::array<std::uint32_t, 64> constants{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// The halves of the state as the instructions want them: ABEF and CDGH.
struct Halves {
  __m128i abef;
  __m128i cdgh;
};

BELAY_SHA Halves halves_of(const State& state) {
  const __m128i dcba = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state.data()));
  const __m128i hgfe = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state.data() + 4));
  const __m128i cdab = _mm_shuffle_epi32(dcba, 0xB1);
  const __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1B);
  return {_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xF0)};
}

BELAY_SHA void put_halves(State& state, const Halves& halves) {
  const __m128i feba = _mm_shuffle_epi32(halves.abef, 0x1B);
  const __m128i dchg = _mm_shuffle_epi32(halves.cdgh, 0xB1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data()), _mm_blend_epi16(feba, dchg, 0xF0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data() + 4), _mm_alignr_epi8(dchg, feba, 8));
}

// `lanes` messages of the same number of blocks: while one waits for a result the other goes on.
template <std::size_t lanes>
BELAY_SHA void compress_lanes(Lane* lane, std::size_t blocks) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  Halves now[lanes];
  for (std::size_t each = 0; each < lanes; ++each)
    now[each] = halves_of(*lane[each].state);
  for (; blocks > 0; --blocks) {
    __m128i words[lanes][4];
    Halves before[lanes];
    for (std::size_t each = 0; each < lanes; ++each) {
      before[each] = now[each];
      for (std::size_t word = 0; word < 4; ++word)
        words[each][word] = _mm_shuffle_epi8(
            _mm_loadu_si128(reinterpret_cast<const __m128i*>(lane[each].bytes) + word), swap);
    }
#pragma GCC unroll 16
    for (std::size_t round = 0; round < 16; ++round) {
      const __m128i add =
          _mm_load_si128(reinterpret_cast<const __m128i*>(constants.data()) + round);
#pragma GCC unroll 2
      for (std::size_t each = 0; each < lanes; ++each) {
        __m128i* const w = words[each];
        const __m128i sum = _mm_add_epi32(w[round % 4], add);
        now[each].cdgh = _mm_sha256rnds2_epu32(now[each].cdgh, now[each].abef, sum);
        now[each].abef =
            _mm_sha256rnds2_epu32(now[each].abef, now[each].cdgh, _mm_shuffle_epi32(sum, 0x0E));
        if (round < 12) {
          const __m128i later = _mm_alignr_epi8(w[(round + 3) % 4], w[(round + 2) % 4], 4);
          const __m128i part = _mm_sha256msg1_epu32(w[round % 4], w[(round + 1) % 4]);
          w[round % 4] = _mm_sha256msg2_epu32(_mm_add_epi32(part, later), w[(round + 3) % 4]);
        }
      }
    }
    for (std::size_t each = 0; each < lanes; ++each) {
      now[each].abef = _mm_add_epi32(now[each].abef, before[each].abef);
      now[each].cdgh = _mm_add_epi32(now[each].cdgh, before[each].cdgh);
      lane[each].bytes += block_bytes;
    }
  }
  for (std::size_t each = 0; each < lanes; ++each)
    put_halves(*lane[each].state, now[each]);
}

#undef BELAY_SHA

bool look_for_instructions() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_SSE4_1) == 0 || (c & bit_SSSE3) == 0)
    return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & (1U << 29U)) != 0;
}

void compress_quickly(Lane* lane, std::size_t lanes, std::size_t blocks) {
  (lanes == 2 ? compress_lanes<2> : compress_lanes<1>)(lane, blocks);
}

#else

bool look_for_instructions() {
  return false;
}

void compress_quickly(Lane*, std::size_t, std::size_t) {
  CHECK(false);
}

#endif

void compress(Lane* lane, std::size_t lanes, std::size_t blocks, bool has_instructions) {
  if (has_instructions)
    return compress_quickly(lane, lanes, blocks);
  for (std::size_t each = 0; each < lanes; ++each) {
    compress_by_library({lane[each].state, lane[each].bytes, blocks});
    lane[each].bytes += blocks * block_bytes;
  }
}

void compress_one(State& state, const unsigned char* bytes, std::size_t blocks) {
  Lane lane{&state, bytes, blocks};
  compress(&lane, 1, blocks, has_sha_instructions());
}

} // namespace

bool has_sha_instructions() {
  static const bool has = look_for_instructions();
  return has;
}

struct Sha256Lanes {
  // The whole blocks of what comes next; what is no whole block is kept in the hash.
  static Lane lane_of(Hashing& stream) {
    Sha256& hash = *stream.hash;
    const std::size_t waiting = hash.bytes_ % block_bytes;
    hash.bytes_ += stream.bytes.size();
    if (waiting != 0) {
      const std::size_t count = std::min(block_bytes - waiting, stream.bytes.size());
      std::memcpy(hash.rest_.data() + waiting, stream.bytes.data(), count);
      stream.bytes.remove_prefix(count);
      if (waiting + count == block_bytes)
        compress_one(hash.state_, hash.rest_.data(), 1);
    }
    const std::size_t blocks = stream.bytes.size() / block_bytes;
    const std::string_view rest = stream.bytes.substr(blocks * block_bytes);
    if (!rest.empty())
      std::memcpy(hash.rest_.data(), rest.data(), rest.size());
    return {&hash.state_, start_of(stream.bytes), blocks};
  }
};

void update(std::span<Hashing> streams, bool has_instructions) {
  std::ranges::sort(streams, std::ranges::greater{},
                    [](const Hashing& each) { return each.bytes.size(); });
  std::array<Lane, 2> lanes;
  std::size_t count = 0;
  for (std::size_t next = 0; next < streams.size() || count > 0;) {
    while (count < lanes.size() && next < streams.size()) {
      lanes[count] = Sha256Lanes::lane_of(streams[next++]);
      count += lanes[count].blocks > 0 ? 1 : 0;
    }
    if (count == 0)
      continue;
    const std::size_t blocks =
        count == 1 ? lanes[0].blocks : std::min(lanes[0].blocks, lanes[1].blocks);
    compress(lanes.data(), count, blocks, has_instructions);
    for (std::size_t lane = 0; lane < count; ++lane)
      lanes[lane].blocks -= blocks;
    if (count == 2 && lanes[1].blocks == 0)
      --count;
    if (lanes[0].blocks == 0) {
      lanes[0] = lanes[1];
      --count;
    }
  }
}

Id Sha256::finish() {
  std::array<unsigned char, 2 * block_bytes> end{};
  const std::size_t waiting = bytes_ % block_bytes;
  std::memcpy(end.data(), rest_.data(), waiting);
  end[waiting] = 0x80;
  const std::size_t blocks = waiting + 9 > block_bytes ? 2 : 1;
  for (unsigned at = 0; at < 8; ++at)
    end[blocks * block_bytes - 1 - at] = static_cast<unsigned char>((bytes_ * 8) >> (8 * at));
  compress_one(state_, end.data(), blocks);
  Id id;
  for (std::size_t word = 0; word < state_.size(); ++word)
    for (unsigned byte = 0; byte < 4; ++byte)
      id.bytes[4 * word + byte] = static_cast<unsigned char>(state_[word] >> (24 - 8 * byte));
  *this = {};
  return id;
}

} // namespace repo::format
