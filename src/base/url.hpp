#pragma once
// URLs and endpoints: which host and port a text names. Strict: no user, no password (RFC
// 3986, 3.2).

#include <optional>
#include <string>
#include <string_view>

namespace base {

struct Endpoint {
  std::string host; // without the brackets of an IPv6 address
  int port = 0;     // 1 to 65535; of a URL without one, what its scheme has
};

std::optional<Endpoint> parse_endpoint(std::string_view text); // "host:port", "[::1]:port"
std::optional<Endpoint> parse_url(std::string_view text);      // http or https
int port_of_url(std::string_view url);                         // 0 when it is none
bool is_loopback(std::string_view host);

} // namespace base
