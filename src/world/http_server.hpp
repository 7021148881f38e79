#pragma once
// HttpServer: answers requests on a UNIX socket or a TCP port, one bounded request at a time.

#include "base/result.hpp"
#include "world/clock.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace world {

struct ServedRequest {
  std::string method;
  std::string path; // decoded, without the query; begins with '/'
  std::vector<std::pair<std::string, std::string>> query;   // decoded
  std::vector<std::pair<std::string, std::string>> headers; // names in small letters
  std::string body;
  bool is_body_too_large = false; // then it was not kept
  std::string peer; // address of who asks over TCP; of IPv6 its network, as "2001:db8::/64"
  std::optional<std::uint32_t> user; // who asks over a UNIX socket, as the kernel says
};
struct ServedResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // Instead of all of the above: asked some times a second until it has the answer.
  std::function<std::optional<ServedResponse>()> later;
  // What follows the body, asked in the same way: "" is nothing yet, nullopt the end.
  std::function<std::optional<std::string>()> more;
};
// It, and what it leaves for later, is called on a thread of the server, one at a time; must not
// wait for anything. Whoever asked may go: then what was left for later is dropped.
using Answer = std::function<ServedResponse(const ServedRequest&)>;

struct TlsPair {           // PEM
  std::string certificate; // of the server first, then of those that signed it
  std::string key;         // without a password
};

struct ListenSpec {
  std::string socket_path;    // of a UNIX socket (0600); a dead one that is there is replaced
  std::string address;        // of TCP: "127.0.0.1" or "::1"; one of both is empty
  int port = 0;               // 0: a free one
  std::optional<TlsPair> tls; // TCP with TLS (1.2 or 1.3)
  // Fewer where the system does not allow so many descriptors. When nearly all are there, who has
  // been asking or taking an answer for the longest time is cut off for a new one.
  unsigned connections_max = 4096;
  // For a whole request, and again for taking an answer (a stream may take longer): however many
  // bytes come meanwhile, then the connection is cut off.
  unsigned idle_seconds_max = 60;
  std::size_t body_bytes_max = 64U << 10U;
  std::size_t waiting_max = 64; // answers that are given later, and streams; more are refused: 503
};

// Whoever is not on this machine cannot come to it.
inline bool is_of_this_machine(const ListenSpec& spec) {
  return !spec.socket_path.empty() || spec.address == "::1" || spec.address.starts_with("127.");
}

// Stops listening, and waits for the answer under way, when it goes.
class Listening {
public:
  virtual ~Listening() = default;
  virtual int port() const = 0; // 0 for a UNIX socket
  // Shows this to who connects with TLS from now on; gives until when it is valid. invalid_input:
  // it cannot be used, and the one before it stays.
  virtual base::Result<TimePoint> use(const TlsPair& pair) = 0;
};

class HttpServer {
public:
  virtual ~HttpServer() = default;
  // conflict: somebody listens there. invalid_input: no such address, or the TLS pair. Every method
  // reaches `answer`.
  virtual base::Result<std::unique_ptr<Listening>> listen(const ListenSpec& spec,
                                                          Answer answer) = 0;
};

} // namespace world
