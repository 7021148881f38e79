#include "base/digest.hpp"

#include "base/result.hpp"

#include <openssl/crypto.h>
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

bool is_same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 digest;
  digest.update(bytes);
  return digest.hex();
}

namespace {

// tables[n][byte]: what `byte` does to the checksum when n more bytes follow it.
constexpr auto crc32_tables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1U) ^ (0xEDB88320U & (0U - (crc & 1U)));
    tables[0][byte] = crc;
  }
  for (std::size_t more = 1; more < tables.size(); ++more)
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[more - 1][byte];
      tables[more][byte] = (before >> 8U) ^ tables[0][before & 255U];
    }
  return tables;
}();

std::uint32_t four_bytes(std::string_view bytes) {
  std::uint32_t word = 0;
  for (std::size_t at = 4; at-- > 0;)
    word = (word << 8U) | static_cast<unsigned char>(bytes[at]);
  return word;
}

} // namespace

std::uint32_t crc32(std::string_view bytes, std::uint32_t before) {
  std::uint32_t crc = ~before;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    const std::uint32_t low = crc ^ four_bytes(bytes);
    const std::uint32_t high = four_bytes(bytes.substr(4));
    crc = 0;
    for (unsigned at = 0; at < 4; ++at)
      crc ^= crc32_tables[7 - at][(low >> (8U * at)) & 255U] ^
             crc32_tables[3 - at][(high >> (8U * at)) & 255U];
  }
  for (const char byte : bytes)
    crc = (crc >> 8U) ^ crc32_tables[0][(crc ^ static_cast<unsigned char>(byte)) & 255U];
  return ~crc;
}

} // namespace base
