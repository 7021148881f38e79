#include "os/http_sockets.hpp"

#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

constexpr int backlog = 512;

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

} // namespace

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

} // namespace os
