#include "os/http_server.hpp"

#include "os/fd.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::ServedResponse;

namespace {

constexpr int backlog = 512;
constexpr std::size_t request_bytes_max = 16U << 10U; // line and headers of one request

void add_header(MHD_Response* response, const std::string& name, const std::string& value) {
  MHD_add_response_header(response, name.c_str(), value.c_str());
}

const ServedResponse too_busy{.status = 503,
                              .content_type = "text/plain; charset=utf-8",
                              .headers = {{"Retry-After", "5"}},
                              .body = "too many wait for an answer: try again\n",
                              .later = {},
                              .more = {}};

// Connections that wait for what is not there yet: they are put aside, and asked again 20 times a
// second by a thread of its own, which sleeps while there are none.
class Waiting {
public:
  explicit Waiting(std::size_t count_max) : count_max_{count_max} {}
  ~Waiting() { end(); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  void begin() {
    thread_ = std::thread{[this] { run(); }};
  }
  // Nobody waits any more when it returns.
  void end() {
    {
      const std::lock_guard held{mutex_};
      has_ended_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable())
      thread_.join();
    resume_all();
  }
  // One more answer that is given later; false: there are too many.
  bool enter() {
    const std::lock_guard held{mutex_};
    if (has_ended_ || count_ >= count_max_)
      return false;
    ++count_;
    return true;
  }
  void leave() {
    const std::lock_guard held{mutex_};
    --count_;
  }
  // false: the server ends, and nobody may wait.
  bool put_aside(MHD_Connection* connection) {
    const std::lock_guard held{mutex_};
    if (has_ended_)
      return false;
    MHD_suspend_connection(connection);
    aside_.push_back(connection);
    changed_.notify_all();
    return true;
  }

private:
  void resume_all() {
    std::vector<MHD_Connection*> all;
    const std::lock_guard held{mutex_};
    all.swap(aside_);
    for (MHD_Connection* connection : all)
      MHD_resume_connection(connection);
  }
  void run() {
    for (;;) {
      {
        std::unique_lock held{mutex_};
        changed_.wait(held, [this] { return has_ended_ || !aside_.empty(); });
        changed_.wait_for(held, std::chrono::milliseconds{50}, [this] { return has_ended_; });
        if (has_ended_)
          return;
      }
      resume_all();
    }
  }

  std::size_t count_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<MHD_Connection*> aside_;
  std::size_t count_ = 0;
  bool has_ended_ = false;
  std::thread thread_;
};

// One request from its first header to its end.
struct Request {
  world::ServedRequest asked;
  std::function<std::optional<ServedResponse>()> later;
};

// What libmicrohttpd asks for the rest of a body.
struct Stream {
  Waiting* waiting = nullptr;
  MHD_Connection* connection = nullptr;
  std::string buffer;
  std::function<std::optional<std::string>()> more;

  static ssize_t read(void* self, std::uint64_t /*position*/, char* to, std::size_t bytes_max) {
    auto& stream = *static_cast<Stream*>(self);
    if (stream.buffer.empty()) {
      auto next = stream.more();
      if (!next)
        return MHD_CONTENT_READER_END_OF_STREAM;
      stream.buffer = *std::move(next);
    }
    if (stream.buffer.empty())
      return stream.waiting->put_aside(stream.connection) ? 0 : MHD_CONTENT_READER_END_OF_STREAM;
    const std::size_t count = std::min(bytes_max, stream.buffer.size());
    std::memcpy(to, stream.buffer.data(), count);
    stream.buffer.erase(0, count);
    return static_cast<ssize_t>(count);
  }
  static void drop(void* self) {
    const std::unique_ptr<Stream> stream{static_cast<Stream*>(self)};
    stream->waiting->leave();
  }
};

std::string small_letters(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

std::optional<std::uint32_t> user_of_peer(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return std::nullopt;
  return peer.uid;
}

// Whoever has an address of IPv6 has a whole network of them.
std::string words_of(const sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.sa_family == AF_INET) {
    const auto& four = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size());
    return text.data();
  }
  if (address.sa_family != AF_INET6)
    return "";
  in6_addr six = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&six)) {
    ::inet_ntop(AF_INET, &six.s6_addr[12], text.data(), text.size());
    return text.data();
  }
  const bool is_one = IN6_IS_ADDR_LOOPBACK(&six);
  if (!is_one)
    std::memset(&six.s6_addr[8], 0, 8);
  ::inet_ntop(AF_INET6, &six, text.data(), text.size());
  return std::string{text.data()} + (is_one ? "" : "/64");
}

// What libmicrohttpd calls: C, so nothing may be thrown out of it.
class Served final : public world::Listening {
public:
  Served(world::Answer answer, const world::ListenSpec& spec)
      : answer_{std::move(answer)}, spec_{spec}, waiting_{spec.waiting_max} {}
  ~Served() override {
    waiting_.end();
    if (daemon_ != nullptr)
      MHD_stop_daemon(daemon_);
    if (!spec_.socket_path.empty())
      ::unlink(spec_.socket_path.c_str());
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  Result<> begin(Fd socket, int port) {
    port_ = port;
    daemon_ = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr,
                               nullptr, &Served::on_request, this, MHD_OPTION_LISTEN_SOCKET,
                               socket.get(), MHD_OPTION_CONNECTION_LIMIT, spec_.connections_max,
                               MHD_OPTION_CONNECTION_TIMEOUT, spec_.idle_seconds_max,
                               MHD_OPTION_CONNECTION_MEMORY_LIMIT, request_bytes_max,
                               MHD_OPTION_NOTIFY_COMPLETED, &Served::on_end, this, MHD_OPTION_END);
    if (daemon_ == nullptr)
      return Error{ErrorKind::failed, "unable to serve HTTP", ""};
    socket.release(); // the daemon closes it
    waiting_.begin();
    return ok();
  }
  int port() const override { return port_; }

private:
  static MHD_Result take_pair(void* pairs, MHD_ValueKind kind, const char* name,
                              const char* value) {
    const std::string text = value == nullptr ? "" : value;
    static_cast<std::vector<std::pair<std::string, std::string>>*>(pairs)->emplace_back(
        kind == MHD_HEADER_KIND ? small_letters(name) : name, text);
    return MHD_YES;
  }

  static void on_end(void* self, MHD_Connection* /*connection*/, void** state,
                     MHD_RequestTerminationCode /*why*/) {
    const std::unique_ptr<Request> request{static_cast<Request*>(*state)};
    *state = nullptr;
    if (request && request->later)
      static_cast<Served*>(self)->waiting_.leave();
  }

  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url,
                               const char* method, const char* /*version*/, const char* data,
                               std::size_t* data_bytes, void** state) {
    auto& served = *static_cast<Served*>(self);
    if (*state == nullptr) { // the first call of a request only says that its headers are there
      auto fresh = std::make_unique<Request>();
      fresh->asked.method = method;
      fresh->asked.path = url;
      take_asker(fresh->asked, connection, !served.spec_.socket_path.empty());
      *state = fresh.release();
      return MHD_YES;
    }
    auto& request = *static_cast<Request*>(*state);
    if (*data_bytes != 0) {
      world::ServedRequest& asked = request.asked;
      asked.is_body_too_large =
          asked.is_body_too_large || asked.body.size() + *data_bytes > served.spec_.body_bytes_max;
      if (asked.is_body_too_large)
        asked.body.clear();
      else
        asked.body.append(data, *data_bytes);
      *data_bytes = 0;
      return MHD_YES;
    }
    return served.respond(connection, request);
  }

  static void take_asker(world::ServedRequest& asked, MHD_Connection* connection, bool is_unix) {
    const auto kind =
        is_unix ? MHD_CONNECTION_INFO_CONNECTION_FD : MHD_CONNECTION_INFO_CLIENT_ADDRESS;
    const MHD_ConnectionInfo* info = MHD_get_connection_info(connection, kind);
    if (info == nullptr)
      return; // then nobody is known to ask
    if (is_unix)
      asked.user = user_of_peer(info->connect_fd);
    else
      asked.peer = words_of(*info->client_addr);
  }

  MHD_Result respond(MHD_Connection* connection, Request& request) {
    if (request.later) {
      auto answer = request.later();
      if (answer)
        return queue(connection, *std::move(answer));
      return waiting_.put_aside(connection) ? MHD_YES : queue(connection, too_busy);
    }
    MHD_get_connection_values(connection, MHD_HEADER_KIND, &Served::take_pair,
                              &request.asked.headers);
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, &Served::take_pair,
                              &request.asked.query);
    ServedResponse answer = answer_(request.asked);
    if (!answer.later)
      return queue(connection, std::move(answer));
    if (!waiting_.enter())
      return queue(connection, too_busy);
    request.later = std::move(answer.later);
    return respond(connection, request);
  }

  MHD_Result queue(MHD_Connection* connection, ServedResponse answer) {
    if (answer.more && !waiting_.enter())
      answer = too_busy;
    MHD_Response* response = nullptr;
    if (answer.more) {
      auto stream = std::make_unique<Stream>(
          Stream{&waiting_, connection, std::move(answer.body), std::move(answer.more)});
      response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, &Stream::read,
                                                   stream.get(), &Stream::drop);
      if (response != nullptr)
        stream.release();
      else
        waiting_.leave();
    } else {
      response = MHD_create_response_from_buffer(answer.body.size(), answer.body.data(),
                                                 MHD_RESPMEM_MUST_COPY);
    }
    if (response == nullptr)
      return MHD_NO;
    add_header(response, "Content-Type", answer.content_type);
    add_header(response, "Cache-Control", "no-store");
    for (const auto& [name, value] : answer.headers)
      add_header(response, name, value);
    const MHD_Result queued =
        MHD_queue_response(connection, static_cast<unsigned>(answer.status), response);
    MHD_destroy_response(response);
    return queued;
  }

  world::Answer answer_;
  world::ListenSpec spec_;
  Waiting waiting_;
  MHD_Daemon* daemon_ = nullptr;
  int port_ = 0;
};

Error listen_error(const std::string& where) {
  const int number = errno;
  const auto kind = number == EADDRINUSE ? ErrorKind::conflict : ErrorKind::failed;
  return {kind, "unable to listen on " + where + ": " + std::strerror(number),
          number == EADDRINUSE ? "Another program listens there: stop it, or choose another place."
                               : ""};
}

// Whoever made it may be gone: then nobody answers, and it is only a name.
bool is_dead(const sockaddr_un& address) {
  const Fd probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
         errno == ECONNREFUSED;
}

Result<Fd> listen_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Error{ErrorKind::invalid_input,
                 "the path of the socket is longer than " +
                     std::to_string(sizeof address.sun_path - 1) + " bytes: '" + path + "'",
                 "Choose a shorter one."};
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (socket.get() < 0)
    return listen_error("'" + path + "'");
  struct stat there {};
  if (::lstat(path.c_str(), &there) == 0 && S_ISSOCK(there.st_mode) && is_dead(address))
    ::unlink(path.c_str());
  const mode_t before = ::umask(0177); // from the first moment nobody else may connect
  const int bound =
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int number = errno;
  ::umask(before);
  errno = number;
  if (bound != 0 || ::listen(socket.get(), backlog) != 0)
    return listen_error("'" + path + "'");
  return socket;
}

Result<Fd> listen_tcp(const std::string& host, int& port) {
  sockaddr_storage address{};
  socklen_t size = 0;
  auto* const four = reinterpret_cast<sockaddr_in*>(&address);
  auto* const six = reinterpret_cast<sockaddr_in6*>(&address);
  if (::inet_pton(AF_INET, host.c_str(), &four->sin_addr) == 1) {
    address.ss_family = AF_INET;
    four->sin_port = htons(static_cast<std::uint16_t>(port));
    size = sizeof *four;
  } else if (::inet_pton(AF_INET6, host.c_str(), &six->sin6_addr) == 1) {
    address.ss_family = AF_INET6;
    six->sin6_port = htons(static_cast<std::uint16_t>(port));
    size = sizeof *six;
  } else {
    return Error{ErrorKind::invalid_input, "'" + host + "' is no address",
                 "Write 127.0.0.1:8970, or [::1]:8970."};
  }
  const std::string where = host + ":" + std::to_string(port);
  Fd socket{::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (socket.get() < 0)
    return listen_error(where);
  const int yes = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(socket.get(), backlog) != 0 ||
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return listen_error(where);
  port = ntohs(address.ss_family == AF_INET ? four->sin_port : six->sin6_port);
  return socket;
}

// Each connection is a descriptor; the usual soft limit is 1,024.
void allow_descriptors(unsigned wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
    return;
  limit.rlim_cur = std::min<rlim_t>(wanted, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace

Result<std::unique_ptr<world::Listening>> HttpServer::listen(const world::ListenSpec& spec,
                                                             world::Answer answer) {
  CHECK(spec.socket_path.empty() != spec.address.empty());
  allow_descriptors(spec.connections_max + 256);
  int port = spec.port;
  Fd socket = spec.socket_path.empty() ? TRY(listen_tcp(spec.address, port))
                                       : TRY(listen_unix(spec.socket_path));
  auto served = std::make_unique<Served>(std::move(answer), spec);
  TRY(served->begin(std::move(socket), spec.socket_path.empty() ? port : 0));
  return std::unique_ptr<world::Listening>{std::move(served)};
}

} // namespace os
