#include "base/digest.hpp"

#include "base/result.hpp"

#include <openssl/evp.h>

namespace base {

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_{std::make_unique<State>()} {
  CHECK(state_->context != nullptr);
  CHECK(EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1);
}
Sha256::~Sha256() = default;

void Sha256::update(std::string_view bytes) {
  CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

std::string Sha256::hex() {
  std::array<unsigned char, 32> raw{};
  CHECK(EVP_DigestFinal_ex(state_->context, raw.data(), nullptr) == 1);
  CHECK(EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(64);
  for (const unsigned char byte : raw) {
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 digest;
  digest.update(bytes);
  return digest.hex();
}

std::uint32_t crc32(std::string_view bytes, std::uint32_t before) {
  static constexpr auto table = [] {
    std::array<std::uint32_t, 256> rows{};
    for (std::uint32_t row = 0; row < 256; ++row) {
      std::uint32_t crc = row;
      for (int bit = 0; bit < 8; ++bit)
        crc = (crc >> 1U) ^ (0xEDB88320U & (0U - (crc & 1U)));
      rows[row] = crc;
    }
    return rows;
  }();
  std::uint32_t crc = ~before;
  for (const char byte : bytes)
    crc = (crc >> 8U) ^ table[(crc ^ static_cast<unsigned char>(byte)) & 255U];
  return ~crc;
}

} // namespace base
