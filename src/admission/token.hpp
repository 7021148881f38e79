#pragma once
// Token: what lets somebody in who comes over TCP: a name, what it may, and the digest of a secret
// that belay itself does not keep. Pure, but for its JSON form (docs/formats/tokens.md).

#include "base/result.hpp"
#include "world/clock.hpp"
#include "world/http_server.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace admission {

// Each may what the one before may. "viewer", "operator", "admin".
enum class Role { look, operate, administer };
std::string_view name_of(Role role);
std::optional<Role> role_named(std::string_view name);

struct Token {
  std::string name;
  Role role = Role::look;
  std::vector<std::string> stacks; // empty: every one
  std::string digest;              // SHA-256 of the secret, in hexadecimal digits
  std::string by;                  // who made it
  world::TimePoint created;
  std::optional<world::TimePoint> expires; // not let in from then on; nothing: never
  bool operator==(const Token&) const = default;
};

std::string to_json(const std::vector<Token>& tokens);
base::Result<std::vector<Token>> tokens_from_json(std::string_view text); // corrupt, too_new

// A new secret, of 256 random bits: "belay_" and 64 hexadecimal digits.
std::string secret_of(std::string_view hex);
std::string digest_of(std::string_view secret);

// The secret of `Authorization: Bearer SECRET`.
enum class Bearer { absent, malformed, present };
struct BearerHeader {
  Bearer kind = Bearer::absent;
  std::string secret;
};
BearerHeader bearer_of(const world::ServedRequest& request);

// The one that this secret belongs to, expired or not. Takes as long whichever it is.
const Token* find(const std::vector<Token>& tokens, std::string_view secret);

bool is_name(std::string_view text);       // of a token: letters, digits, '.', '_', '-'; at most 64
bool is_stack_name(std::string_view text); // as belay.yaml has them

} // namespace admission
