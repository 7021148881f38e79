#pragma once
// Redis: questions to a Redis server, in its own protocol (RESP).

#include "base/result.hpp"
#include "world/clock.hpp"

#include <string>
#include <vector>

namespace world {

struct RedisPlace {
  std::string socket; // path of its UNIX socket; empty: by host and port
  std::string host;
  int port = 0;
  std::string user;     // empty: the default one
  std::string password; // empty: none is sent. Never in an error or an event
};
// A status, a string or a number is one text; an array has one for each element, but nested ones.
using RedisReply = std::vector<std::string>;

class Redis {
public:
  virtual ~Redis() = default;
  // Read-only. unavailable: nobody answers there, or it is still loading; invalid_input: it wants a
  // password, or another one; failed: an error, told in the server's words.
  virtual base::Result<RedisReply>
  ask(const RedisPlace& place, const std::vector<std::string>& words, Milliseconds timeout) = 0;
  // The same for what changes something. unknown_outcome: the connection ended before the answer.
  virtual base::Result<RedisReply>
  tell(const RedisPlace& place, const std::vector<std::string>& words, Milliseconds timeout) = 0;
};

} // namespace world
