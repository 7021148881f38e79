#pragma once
// Jwt: the claims of a JSON Web Token (RFC 7519, compact form). The signature is not verified: that
// needs the issuer's key, and is the service's own affair.

#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace checks {

struct Jwt {
  std::vector<std::string> claims;        // names of those that are there and not null or empty
  std::optional<std::int64_t> expires;    // `exp`, seconds since 1970
  std::optional<std::int64_t> not_before; // `nbf`
};

// invalid_input says what is wrong, and never quotes the token.
base::Result<Jwt> parse_jwt(std::string_view token);

// Of the alphabet of URLs, without padding (RFC 4648, section 5); nullopt: it is not.
std::optional<std::string> decode_base64url(std::string_view text);

} // namespace checks
