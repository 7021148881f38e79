#pragma once
// Web: what the backends that speak HTTP have in common.

#include "base/result.hpp"
#include "world/http.hpp"

#include <string>
#include <string_view>

namespace repo::backend {

struct WebPlace {
  std::string url;  // "https://host:8000/path": no user, no '/' at the end
  std::string path; // of it: "", or "/path"
  std::string user;
  std::string password;
};
// `text`: "https://user:password@host:8000/path", the user with %-escapes. invalid_input: the
// message does not repeat what might be a password.
base::Result<WebPlace> parse_web_place(std::string_view text);

// One exchange: the connection is kept, sizes and times are bounded by what is sent and asked for
// (`answer_bytes_max`; 0: whatever there is). unavailable also for the statuses of a server that
// may do it later (408, 429, 500, 502, 503, 504).
base::Result<world::HttpResponse> ask(world::Http& http, world::HttpRequest request,
                                      std::uint64_t answer_bytes_max = 0);

std::string_view header_of(const world::HttpResponse& response, std::string_view name);
// "bytes=5-9"; everything from `offset` on when `bytes` goes to the end.
std::string range_text(std::uint64_t offset, std::uint64_t bytes);
// What a GET for that range brought: also where the server did not heed the range, or there is
// nothing so far behind.
std::string range_of(world::HttpResponse response, std::uint64_t offset, std::uint64_t bytes);

// Bytes that RFC 3986 does not call unreserved become %XX; '/' stays when `has_slashes`.
std::string percent_encoded(std::string_view text, bool has_slashes);

} // namespace repo::backend
