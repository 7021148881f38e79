#pragma once
// Http: one bounded HTTP exchange, one mail, one TCP connect.

#include "base/result.hpp"
#include "world/clock.hpp"
#include "world/traffic.hpp"

#include <string>
#include <utility>
#include <vector>

namespace world {

struct HttpRequest {
  std::string method = "GET";
  std::string url; // http:// or https:// only
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Milliseconds timeout{5000}; // for the whole exchange
  bool follow_redirects = false;
  std::size_t body_bytes_max = 1U << 20U; // a longer body is cut, `is_truncated` says so
  bool is_kept_alive = false; // the connection stays open for later requests to the same server
  Milliseconds stall{0};      // unavailable when for so long nothing moves; 0: not looked at
  std::string ca_file;        // certificates to trust instead of the system's; empty: those
  std::string unix_socket;    // connect to this socket, whatever host the URL names; empty: no
  Traffic* traffic = nullptr; // hears of bodies as they go; must outlive the exchange
};
struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers; // names in lower case
  std::string body;
  bool is_truncated = false;
  Milliseconds elapsed{0};
};

struct Mail {
  std::string server; // smtp://host:port or smtps://host:port
  std::string user;   // empty: nobody logs in
  std::string password;
  std::string from; // a bare address
  std::vector<std::string> to;
  std::string text; // headers, an empty line and the body, with "\r\n" (RFC 5322)
  Milliseconds timeout{10000};
};

class Http {
public:
  virtual ~Http() = default;
  // unavailable: refused, reset, not resolved, timed out. failed: its certificate is not to be
  // trusted. Of a socket: not_found when it is not there, or nobody listens, and failed when we may
  // not connect; then nothing was sent. Never throws; any status is a value. May be called by
  // several threads at once.
  virtual base::Result<HttpResponse> exchange(const HttpRequest& request) = 0;
  // Hand one mail to a server (SMTP). With a password only over TLS. unavailable: not handed over;
  // it may have been when the answer was lost.
  virtual base::Result<> send(const Mail& mail) = 0;
  // TCP connect only. unavailable when refused or timed out.
  virtual base::Result<> connect(const std::string& host, int port, Milliseconds timeout) = 0;
};

} // namespace world
