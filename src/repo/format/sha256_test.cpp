#include <string>
#include <vector>

#include "repo/format/sha256.hpp"
#include <gtest/gtest.h>
#include <openssl/sha.h>

namespace repo::format {
namespace {

std::string noise(std::size_t size, unsigned seed) {
  std::string bytes(size, '\0');
  for (char& byte : bytes)
    byte = static_cast<char>((seed = seed * 1103515245U + 12345U) >> 16U);
  return bytes;
}

Id by_library(std::string_view bytes) {
  Id id;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), id.bytes.data());
  return id;
}

std::vector<bool> ways() {
  return has_sha_instructions() ? std::vector<bool>{true, false} : std::vector<bool>{false};
}

TEST(sha256, of_several_at_once_is_what_the_library_says) {
  const std::vector<std::size_t> sizes{0, 1, 55, 56, 63, 64, 65, 119, 128, 1000, 4096, 9'003};
  for (const bool has_instructions : ways())
    for (const std::size_t one : sizes)
      for (const std::size_t two : sizes) {
        const std::vector<std::string> blobs{noise(one, 1), noise(two, 2), noise(one + two, 3)};
        std::vector<Sha256> hashes(blobs.size());
        std::vector<Hashing> streams;
        for (std::size_t at = 0; at < blobs.size(); ++at)
          streams.push_back({&hashes[at], blobs[at]});
        update(streams, has_instructions);
        for (std::size_t at = 0; at < blobs.size(); ++at)
          EXPECT_EQ(hashes[at].finish(), by_library(blobs[at])) << one << " " << two << " " << at;
      }
}

TEST(sha256, goes_on_where_it_stopped) {
  const std::string bytes = noise(5000, 4);
  for (const bool has_instructions : ways())
    for (const std::size_t step : {1U, 7U, 63U, 64U, 65U, 200U, 4999U}) {
      Sha256 hash;
      for (std::size_t at = 0; at < bytes.size(); at += step) {
        Hashing stream{&hash, std::string_view{bytes}.substr(at, step)};
        update({&stream, 1}, has_instructions);
      }
      EXPECT_EQ(hash.finish(), by_library(bytes)) << step;
      EXPECT_EQ(hash.finish(), by_library("")); // as new
    }
}

} // namespace
} // namespace repo::format
