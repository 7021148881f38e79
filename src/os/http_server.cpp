#include "os/http_server.hpp"

#include "os/fd.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

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

namespace {

constexpr int backlog = 512;
constexpr std::size_t request_bytes_max = 16U << 10U; // line and headers of one request

void add_header(MHD_Response* response, const std::string& name, const std::string& value) {
  MHD_add_response_header(response, name.c_str(), value.c_str());
}

// What libmicrohttpd calls: C, so nothing may be thrown out of it.
class Served final : public world::Listening {
public:
  Served(world::Answer answer, std::string socket_path)
      : answer_{std::move(answer)}, socket_path_{std::move(socket_path)} {}
  ~Served() override {
    if (daemon_ != nullptr)
      MHD_stop_daemon(daemon_);
    if (!socket_path_.empty())
      ::unlink(socket_path_.c_str());
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  Result<> begin(Fd socket, const world::ListenSpec& spec, int port) {
    port_ = port;
    daemon_ =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, nullptr, nullptr, &Served::on_request,
                         this, MHD_OPTION_LISTEN_SOCKET, socket.get(), MHD_OPTION_CONNECTION_LIMIT,
                         spec.connections_max, MHD_OPTION_CONNECTION_TIMEOUT, spec.idle_seconds_max,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, request_bytes_max, MHD_OPTION_END);
    if (daemon_ == nullptr)
      return Error{ErrorKind::failed, "unable to serve HTTP", ""};
    socket.release(); // the daemon closes it
    return ok();
  }
  int port() const override { return port_; }

private:
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url,
                               const char* method, const char* /*version*/, const char* /*data*/,
                               std::size_t* data_bytes, void** state) {
    static char seen; // the first call of a request only says that its headers are there
    if (*state == nullptr) {
      *state = &seen;
      return MHD_YES;
    }
    if (*data_bytes != 0) { // nobody is interested in it
      *data_bytes = 0;
      return MHD_YES;
    }
    return static_cast<Served*>(self)->respond(connection, url, method);
  }

  MHD_Result respond(MHD_Connection* connection, const char* url, const char* method) {
    const std::string verb = method;
    world::ServedResponse answer;
    if (verb == "GET" || verb == "HEAD")
      answer = answer_({.method = verb, .path = url});
    else
      answer = {.status = 405,
                .content_type = "text/plain; charset=utf-8",
                .headers = {{"Allow", "GET, HEAD"}},
                .body = "only GET and HEAD are answered here\n"};
    MHD_Response* response = MHD_create_response_from_buffer(answer.body.size(), answer.body.data(),
                                                             MHD_RESPMEM_MUST_COPY);
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
  std::string socket_path_;
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
  auto served = std::make_unique<Served>(std::move(answer), spec.socket_path);
  TRY(served->begin(std::move(socket), spec, spec.socket_path.empty() ? port : 0));
  return std::unique_ptr<world::Listening>{std::move(served)};
}

} // namespace os
