#pragma once
// Digest: SHA-256 (FIPS 180-4, by OpenSSL) and CRC-32 (ISO-HDLC, as zlib's).

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace base {

class Sha256 {
public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view bytes);
  std::string hex(); // ends the digest; the object can be used again afterwards

private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view bytes);
// Takes as long wherever they differ: how long it takes tells nothing but their lengths.
bool is_same_secret(std::string_view a, std::string_view b);
// `before`: of what came before these bytes.
std::uint32_t crc32(std::string_view bytes, std::uint32_t before = 0);

} // namespace base
