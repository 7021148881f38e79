#pragma once
// Id: the SHA-256 that names a blob by its plain bytes, and a file of the repository by its stored
// ones.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace repo::format {

struct Id {
  std::array<unsigned char, 32> bytes{};
  auto operator<=>(const Id&) const = default;
  std::string hex() const; // 64 lower-case digits
  bool is_zero() const { return *this == Id{}; }
};

std::optional<Id> parse_id(std::string_view hex); // exactly 64 lower-case digits
Id id_of(std::string_view bytes);

struct IdHash { // an id is as good as random: its first bytes are its hash
  std::size_t operator()(const Id& id) const {
    std::size_t hash = 0;
    std::memcpy(&hash, id.bytes.data(), sizeof hash);
    return hash;
  }
};

std::string to_hex(std::string_view bytes);
std::string to_base64(std::string_view bytes);                    // standard alphabet, padded
std::optional<std::string> from_base64(std::string_view encoded); // strict

} // namespace repo::format
