#include "base/url.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <charconv>

namespace base {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::optional<int> number_of(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

// The last part of a host that is all digits can only be an IPv4 address: four numbers.
bool is_host(std::string_view host) {
  if (host.empty() || host.size() > 253)
    return false;
  const auto is_part = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  };
  if (!std::ranges::all_of(host, is_part))
    return false;
  const auto parts = split(host, '.');
  if (std::ranges::any_of(parts, &std::string::empty))
    return false;
  if (!std::ranges::all_of(parts.back(), is_digit))
    return true;
  return parts.size() == 4 && std::ranges::all_of(parts, [](const std::string& part) {
           const auto number = number_of(part);
           return number && *number >= 0 && *number <= 255;
         });
}

bool is_ipv6(std::string_view host) {
  return host.contains(':') && std::ranges::all_of(host, [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
                  c == '.';
         });
}

std::optional<Endpoint> parse_authority(std::string_view text, int default_port) {
  Endpoint endpoint{.host = "", .port = default_port};
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos || !is_ipv6(text.substr(1, end - 1)))
      return std::nullopt;
    endpoint.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else {
    const auto colon = std::min(text.find(':'), text.size());
    if (!is_host(text.substr(0, colon)))
      return std::nullopt;
    endpoint.host = text.substr(0, colon);
    rest = text.substr(colon);
  }
  if (rest.starts_with(':')) {
    const auto port = number_of(rest.substr(1));
    if (!port)
      return std::nullopt;
    endpoint.port = *port;
  } else if (!rest.empty()) {
    return std::nullopt;
  }
  if (endpoint.port < 1 || endpoint.port > 65535)
    return std::nullopt;
  return endpoint;
}

} // namespace

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "::1" ||
         (is_host(host) && host.starts_with("127.") && is_digit(host.back()));
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  return parse_authority(text, 0);
}

std::optional<Endpoint> parse_url(std::string_view text) {
  constexpr std::size_t url_bytes_max = 2048;
  const bool is_http = text.starts_with("http://");
  const bool is_https = text.starts_with("https://");
  const auto is_printable = [](char c) { return c > ' ' && c < '\x7F'; };
  if ((!is_http && !is_https) || text.size() > url_bytes_max ||
      !std::ranges::all_of(text, is_printable))
    return std::nullopt;
  text.remove_prefix(is_http ? 7 : 8);
  return parse_authority(text.substr(0, text.find_first_of("/?#")), is_http ? 80 : 443);
}

int port_of_url(std::string_view url) {
  const auto endpoint = parse_url(url);
  return endpoint ? endpoint->port : 0;
}

} // namespace base
