#include "checks/jwt.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

namespace checks {

using base::Error;
using base::ErrorKind;
using base::Result;
using nlohmann::json;

namespace {

constexpr std::size_t token_bytes_max = 64U << 10U;

Error malformed(const std::string& what) {
  return {ErrorKind::invalid_input, "is not a well-formed JWT: " + what, ""};
}

int value_of(char c) {
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  return c == '-' ? 62 : c == '_' ? 63 : -1;
}

// json recurses: the depth of outside text is bounded before.
bool is_deep(std::string_view text) {
  constexpr int depth_max = 64;
  int depth = 0;
  for (const char c : text) {
    depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
    if (depth > depth_max)
      return true;
  }
  return false;
}

Result<json> object_of(std::string_view part, const char* name) {
  const auto text = decode_base64url(part);
  if (!text)
    return malformed(std::string{"its "} + name + " is not base64url");
  if (is_deep(*text))
    return malformed(std::string{"its "} + name + " is nested too deeply");
  json object = json::parse(*text, nullptr, false);
  if (!object.is_object())
    return malformed(std::string{"its "} + name + " is not a JSON object");
  return object;
}

Result<std::optional<std::int64_t>> time_of(const json& claims, const char* name) {
  const auto found = claims.find(name);
  if (found == claims.end())
    return std::optional<std::int64_t>{};
  constexpr double latest = 253'402'300'799; // the year 9999
  if (!found->is_number() || !(std::abs(found->get<double>()) <= latest))
    return malformed(std::string{"`"} + name + "` is not a time in seconds since 1970");
  return std::optional{static_cast<std::int64_t>(found->get<double>())};
}

} // namespace

std::optional<std::string> decode_base64url(std::string_view text) {
  if (text.size() % 4 == 1)
    return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = value_of(c);
    if (value < 0)
      return std::nullopt;
    bits = (bits << 6U | static_cast<std::uint32_t>(value)) & 0xFFFFFFU;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> static_cast<unsigned>(count) & 0xFFU);
    }
  }
  return bytes;
}

Result<Jwt> parse_jwt(std::string_view token) {
  if (token.size() > token_bytes_max)
    return malformed("it is larger than 64 KiB");
  const auto parts = base::split(token, '.');
  if (parts.size() != 3)
    return malformed("it has " + std::to_string(parts.size()) + " parts, not 3");
  const json header = TRY(object_of(parts[0], "header"));
  const json claims = TRY(object_of(parts[1], "payload"));
  if (parts[2].empty() || !decode_base64url(parts[2]))
    return malformed("it has no signature");
  Jwt jwt;
  for (const auto& [name, value] : claims.items())
    if (!value.is_null() && value != json(""))
      jwt.claims.push_back(name);
  jwt.expires = TRY(time_of(claims, "exp"));
  jwt.not_before = TRY(time_of(claims, "nbf"));
  return jwt;
}

} // namespace checks
