#include "repo/backend/web.hpp"

#include "base/url.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace repo::backend {

using base::Error;
using base::ErrorKind;
using base::Result;
using world::HttpResponse;
using world::Milliseconds;

namespace {

constexpr Milliseconds stall{60'000};                      // nothing moves for so long
constexpr Milliseconds least{300'000};                     // for an exchange as a whole
constexpr std::uint64_t bytes_per_second_min = 16U << 10U; // or it takes too long as a whole
constexpr std::uint64_t answer_bytes_most = std::uint64_t{5} << 30U;

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      plain += text[at];
      continue;
    }
    unsigned value = 0;
    const char* const begin = text.data() + at + 1;
    if (at + 2 >= text.size() || std::from_chars(begin, begin + 2, value, 16).ptr != begin + 2)
      return std::nullopt;
    plain += static_cast<char>(value);
    at += 2;
  }
  return plain;
}

bool may_do_it_later(int status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
         status == 504;
}

} // namespace

Result<WebPlace> parse_web_place(std::string_view text) {
  const Error wrong{ErrorKind::invalid_input, "the URL of the repository is none of http or https",
                    "Write it as https://host:8000/path; other characters of a user or password "
                    "as %XX."};
  const auto begin = text.find("://");
  if (begin == std::string_view::npos)
    return wrong;
  WebPlace place;
  std::string_view rest = text.substr(begin + 3);
  const auto slash = std::min(rest.find('/'), rest.size());
  if (const auto at = rest.substr(0, slash).rfind('@'); at != std::string_view::npos) {
    const std::string_view who = rest.substr(0, at);
    const auto colon = std::min(who.find(':'), who.size());
    const auto user = percent_decoded(who.substr(0, colon));
    const auto password = percent_decoded(colon < who.size() ? who.substr(colon + 1) : "");
    if (!user || !password || user->empty())
      return wrong;
    place.user = *user;
    place.password = *password;
    rest.remove_prefix(at + 1);
  }
  while (rest.ends_with('/'))
    rest.remove_suffix(1);
  place.url = std::string{text.substr(0, begin + 3)} + std::string{rest};
  place.path = rest.substr(std::min(rest.find('/'), rest.size()));
  if (!base::parse_url(place.url) || place.url.find_first_of("?#@") != std::string::npos)
    return wrong;
  return place;
}

Result<HttpResponse> ask(world::Http& http, world::HttpRequest request,
                         std::uint64_t answer_bytes_max) {
  const std::uint64_t most = answer_bytes_max == 0 ? answer_bytes_most : answer_bytes_max;
  request.is_kept_alive = true;
  request.stall = stall;
  request.body_bytes_max = most + (64U << 10U); // room for what an error says
  request.timeout =
      least + Milliseconds{1000 * ((request.body.size() + most) / bytes_per_second_min)};
  request.timeout = std::min(request.timeout, Milliseconds{std::numeric_limits<int>::max()});
  request.headers.emplace_back("Expect", ""); // no round trip before the body
  auto response = TRY(http.exchange(request));
  if (may_do_it_later(response.status))
    return Error{ErrorKind::unavailable,
                 "the server answers with status " + std::to_string(response.status), ""};
  return response;
}

std::string_view header_of(const HttpResponse& response, std::string_view name) {
  for (const auto& [each, value] : response.headers)
    if (each == name)
      return value;
  return "";
}

std::string range_text(std::uint64_t offset, std::uint64_t bytes) {
  const bool is_to_end = bytes > std::numeric_limits<std::uint64_t>::max() - offset;
  return "bytes=" + std::to_string(offset) + "-" +
         (is_to_end ? "" : std::to_string(offset + bytes - 1));
}

std::string range_of(HttpResponse response, std::uint64_t offset, std::uint64_t bytes) {
  if (response.status == 416)
    return "";
  if (response.status == 206)
    return std::move(response.body);
  return offset < response.body.size() ? response.body.substr(offset, bytes) : "";
}

std::string percent_encoded(std::string_view text, bool has_slashes) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool is_kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~' ||
                         (has_slashes && c == '/');
    if (is_kept) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += digits[byte >> 4U];
    encoded += digits[byte & 15U];
  }
  return encoded;
}

} // namespace repo::backend
