#include "admission/token.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

namespace admission {

using base::Error;
using base::ErrorKind;
using base::Result;
using nlohmann::json;

namespace {

constexpr int tokens_format = 1;
constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t stack_bytes_max = 63;
constexpr std::string_view secret_prefix = "belay_";
constexpr std::size_t secret_digits = 64;
constexpr std::array<std::string_view, 3> role_names{"viewer", "operator", "admin"};

bool is_hex(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Error harmed_tokens() {
  return {ErrorKind::corrupt, "the file of tokens is not whole",
          "Remove it, and make the tokens anew: nobody comes in meanwhile."};
}

std::string text_in(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

Result<Token> token_from(const json& object) {
  if (!object.is_object() || !object.contains("stacks") || !object["stacks"].is_array() ||
      !object.contains("expires"))
    return harmed_tokens();
  Token token;
  token.name = text_in(object, "name");
  token.digest = text_in(object, "digest");
  token.by = text_in(object, "by");
  const auto role = role_named(text_in(object, "role"));
  const auto created = base::parse_time(text_in(object, "created"));
  if (!is_name(token.name) || !role || !created || token.digest.size() != secret_digits ||
      !is_hex(token.digest))
    return harmed_tokens();
  token.role = *role;
  token.created = created.value();
  for (const json& stack : object["stacks"]) {
    if (!stack.is_string() || !is_stack_name(stack.get<std::string>()))
      return harmed_tokens();
    token.stacks.push_back(stack.get<std::string>());
  }
  if (!object["expires"].is_null()) { // what cannot be read never means "never"
    const auto expires = base::parse_time(text_in(object, "expires"));
    if (!expires)
      return harmed_tokens();
    token.expires = expires.value();
  }
  return token;
}

bool is_scheme(std::string_view text) { // "Bearer", in whatever letters
  constexpr std::string_view wanted = "bearer";
  return text.size() == wanted.size() && std::ranges::equal(text, wanted, [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
         });
}

} // namespace

std::string_view name_of(Role role) {
  return role_names.at(static_cast<std::size_t>(role));
}

std::optional<Role> role_named(std::string_view name) {
  const auto found = std::ranges::find(role_names, name);
  if (found == role_names.end())
    return std::nullopt;
  return static_cast<Role>(found - role_names.begin());
}

std::string to_json(const std::vector<Token>& tokens) {
  json all = json::array();
  for (const Token& token : tokens)
    all.push_back({{"name", token.name},
                   {"role", name_of(token.role)},
                   {"stacks", token.stacks},
                   {"digest", token.digest},
                   {"by", token.by},
                   {"created", base::format_time(token.created)},
                   {"expires", token.expires ? json(base::format_time(*token.expires)) : json()}});
  const json whole{{"format", tokens_format}, {"tokens", all}};
  return whole.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<std::vector<Token>> tokens_from_json(std::string_view text) {
  const json whole = json::parse(text, nullptr, false);
  if (!whole.is_object() || !whole.contains("format") || !whole["format"].is_number_integer())
    return harmed_tokens();
  if (whole["format"].get<std::int64_t>() > tokens_format)
    return Error{ErrorKind::too_new, "the file of tokens was written by a newer belay",
                 "Use that belay, or a newer one."};
  if (!whole.contains("tokens") || !whole["tokens"].is_array())
    return harmed_tokens();
  std::vector<Token> tokens;
  for (const json& each : whole["tokens"])
    tokens.push_back(TRY(token_from(each)));
  return tokens;
}

std::string secret_of(std::string_view hex) {
  CHECK(hex.size() == secret_digits && is_hex(hex));
  return std::string{secret_prefix} + std::string{hex};
}

// No salt and no slow hash: those are against guessing what people make up. Nobody guesses 256
// random bits, and a digest of them tells nothing.
std::string digest_of(std::string_view secret) {
  return base::sha256_hex(secret);
}

BearerHeader bearer_of(const world::ServedRequest& request) {
  BearerHeader found;
  for (const auto& [name, value] : request.headers) {
    if (name != "authorization")
      continue;
    if (found.kind != Bearer::absent) // two: who knows which one a proxy has looked at
      return {.kind = Bearer::malformed, .secret = {}};
    found.kind = Bearer::malformed;
    const auto space = value.find(' ');
    if (space == std::string::npos || !is_scheme(std::string_view{value}.substr(0, space)))
      continue;
    const auto from = value.find_first_not_of(' ', space);
    const std::string_view secret =
        from == std::string::npos ? std::string_view{} : std::string_view{value}.substr(from);
    if (secret.size() != secret_prefix.size() + secret_digits ||
        !secret.starts_with(secret_prefix) || !is_hex(secret.substr(secret_prefix.size())))
      continue;
    found = {.kind = Bearer::present, .secret = std::string{secret}};
  }
  return found;
}

const Token* find(const std::vector<Token>& tokens, std::string_view secret) {
  const std::string digest = digest_of(secret);
  const Token* found = nullptr;
  for (const Token& token : tokens) // to the end, whatever is found before
    if (base::is_same_secret(token.digest, digest))
      found = &token;
  return found;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= name_bytes_max && text.front() != '.' &&
         text.front() != '-' && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '-' || c == '.' || c == '_';
         });
}

bool is_stack_name(std::string_view text) {
  return !text.empty() && text.size() <= stack_bytes_max && text.front() != '-' &&
         std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-';
         });
}

} // namespace admission
