#include "repo/format/id.hpp"

#include "base/result.hpp"

#include "repo/format/sha256.hpp"
#include <openssl/evp.h>
#include <openssl/sha.h>

namespace repo::format {

namespace {

int digit_of(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

} // namespace

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char each : bytes) {
    const auto byte = static_cast<unsigned char>(each);
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

std::string Id::hex() const {
  return to_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::optional<Id> parse_id(std::string_view hex) {
  Id id;
  if (hex.size() != 2 * id.bytes.size())
    return std::nullopt;
  for (std::size_t at = 0; at < id.bytes.size(); ++at) {
    const int high = digit_of(hex[2 * at]);
    const int low = digit_of(hex[2 * at + 1]);
    if (high < 0 || low < 0)
      return std::nullopt;
    id.bytes[at] = static_cast<unsigned char>(high * 16 + low);
  }
  return id;
}

Id id_of(std::string_view bytes) {
  if (has_sha_instructions()) // libcrypto looks its algorithm up for each of a million small files
    return ids_of<1>({bytes}).front();
  Id id;
  CHECK(SHA256(raw(bytes), bytes.size(), id.bytes.data()) != nullptr);
  return id;
}

std::string to_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0'); // OpenSSL ends it with a zero
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), raw(bytes),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::optional<std::string> from_base64(std::string_view encoded) {
  if (encoded.size() % 4 != 0 || encoded.find_first_of(" \t\r\n") != std::string_view::npos)
    return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < encoded.size() && encoded[encoded.size() - 1 - padding] == '=')
    ++padding;
  if (encoded.substr(0, encoded.size() - padding).find('=') != std::string_view::npos)
    return std::nullopt;
  std::string bytes(encoded.size() / 4 * 3, '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()), raw(encoded),
                                     static_cast<int>(encoded.size()));
  if (length != static_cast<int>(bytes.size()))
    return std::nullopt;
  bytes.resize(bytes.size() - padding);
  return bytes;
}

} // namespace repo::format
