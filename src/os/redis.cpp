#include "os/redis.hpp"

#include "base/text.hpp"
#include "os/fd.hpp"

#include <memory>

#include <fcntl.h>
#include <hiredis.h>
#include <sys/time.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::Result;
using world::RedisPlace;
using world::RedisReply;

namespace {

constexpr std::size_t socket_path_max = 100; // sockaddr_un has 108
constexpr std::size_t said_bytes_max = 200;

struct Freed {
  void operator()(redisContext* context) const { redisFree(context); }
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Connection = std::unique_ptr<redisContext, Freed>;
using Answer = std::unique_ptr<redisReply, Freed>;

std::string name_of(const RedisPlace& place) {
  return place.socket.empty() ? place.host + ":" + std::to_string(place.port) : place.socket;
}

std::string printable(const char* text, std::size_t length) {
  return base::printable(std::string{text, std::min(length, said_bytes_max)});
}

Result<Connection> connect(const RedisPlace& place, world::Milliseconds timeout) {
  const timeval time{.tv_sec = timeout.count() / 1000,
                     .tv_usec = static_cast<suseconds_t>(timeout.count() % 1000 * 1000)};
  Fd folder; // a longer path is reached through its folder
  std::string path = place.socket;
  if (path.size() > socket_path_max) {
    folder = Fd{::open(base::parent_of(path).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    path = "/proc/self/fd/" + std::to_string(folder.get()) + "/" + base::name_of_path(path);
  }
  Connection connection{place.socket.empty()
                            ? redisConnectWithTimeout(place.host.c_str(), place.port, time)
                            : redisConnectUnixWithTimeout(path.c_str(), time)};
  if (connection == nullptr || connection->err != 0 ||
      redisSetTimeout(connection.get(), time) != REDIS_OK)
    return Error{ErrorKind::unavailable,
                 "no Redis answers at '" + name_of(place) + "'" +
                     (connection == nullptr
                          ? ""
                          : ": " + printable(connection->errstr, sizeof connection->errstr)),
                 ""};
  return connection;
}

Result<RedisReply> reply_of(const RedisPlace& place, const redisReply& reply) {
  const std::string text = reply.str == nullptr ? "" : std::string{reply.str, reply.len};
  switch (reply.type) {
  case REDIS_REPLY_ERROR:
    if (text.starts_with("LOADING"))
      return Error{ErrorKind::unavailable, "'" + name_of(place) + "' is still loading", ""};
    if (text.starts_with("NOAUTH") || text.starts_with("WRONGPASS") || text.starts_with("NOPERM"))
      return Error{ErrorKind::invalid_input,
                   "Redis at '" + name_of(place) +
                       "' refuses us: " + printable(text.c_str(), text.size()),
                   "Give the `password` (and `user`) of the store in belay.yaml."};
    return Error{ErrorKind::failed,
                 "Redis at '" + name_of(place) + "' says: " + printable(text.c_str(), text.size()),
                 ""};
  case REDIS_REPLY_INTEGER: return RedisReply{std::to_string(reply.integer)};
  case REDIS_REPLY_NIL: return RedisReply{};
  case REDIS_REPLY_ARRAY: {
    RedisReply all;
    for (std::size_t at = 0; at < reply.elements; ++at) {
      const redisReply& each = *reply.element[at];
      all.push_back(each.str == nullptr ? std::to_string(each.integer)
                                        : std::string{each.str, each.len});
    }
    return all;
  }
  default: return RedisReply{text};
  }
}

Result<RedisReply> send(redisContext* connection, const RedisPlace& place,
                        const std::vector<std::string>& words) {
  std::vector<const char*> starts;
  std::vector<std::size_t> lengths;
  for (const std::string& word : words) {
    starts.push_back(word.data());
    lengths.push_back(word.size());
  }
  const Answer answer{static_cast<redisReply*>(
      redisCommandArgv(connection, static_cast<int>(words.size()), starts.data(), lengths.data()))};
  if (answer == nullptr)
    return Error{ErrorKind::unavailable,
                 "Redis at '" + name_of(place) + "' did not answer " + words.front() + ": " +
                     printable(connection->errstr, sizeof connection->errstr),
                 ""};
  return reply_of(place, *answer);
}

Result<Connection> log_in(const RedisPlace& place, world::Milliseconds timeout) {
  Connection connection = TRY(connect(place, timeout));
  if (place.password.empty())
    return connection;
  std::vector<std::string> words{"AUTH"};
  if (!place.user.empty())
    words.push_back(place.user);
  words.push_back(place.password);
  TRY(send(connection.get(), place, words));
  return connection;
}

} // namespace

Result<RedisReply> Redis::ask(const RedisPlace& place, const std::vector<std::string>& words,
                              world::Milliseconds timeout) {
  const Connection connection = TRY(log_in(place, timeout));
  return send(connection.get(), place, words);
}

Result<RedisReply> Redis::tell(const RedisPlace& place, const std::vector<std::string>& words,
                               world::Milliseconds timeout) {
  const Connection connection = TRY(log_in(place, timeout));
  effects_.before("redis." + words.front(), name_of(place));
  auto reply = send(connection.get(), place, words);
  effects_.after();
  if (!reply && reply.error().kind == ErrorKind::unavailable && connection->err != 0)
    return Error{ErrorKind::unknown_outcome, reply.error().message, ""};
  return reply;
}

} // namespace os
