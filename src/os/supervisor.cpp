#include "os/supervisor.hpp"

#include "os/fd.hpp"

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr timeval wait_max{.tv_sec = 5, .tv_usec = 0};

std::int64_t whole_number(const std::string& text) { // 0 when it is none
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc{} && end == text.data() + text.size() ? number : 0;
}

} // namespace

Result<> Supervisor::tell(const std::string& lines) {
  if (!is_there())
    return ok();
  const std::string& name = variables_.notify_socket;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if ((name.front() != '/' && name.front() != '@') || name.size() >= sizeof address.sun_path)
    return Error{ErrorKind::invalid_input, "NOTIFY_SOCKET is '" + name + "': no UNIX socket", ""};
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name.front() == '@')
    address.sun_path[0] = '\0';
  // Without the zero at its end: a name without a file would have it as a part.
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  const Fd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!socket)
    return error_of(errno, "tell", name);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &wait_max, sizeof wait_max);
  const auto sent = ::sendto(socket.get(), lines.data(), lines.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), size);
  if (sent != static_cast<ssize_t>(lines.size()))
    return error_of(errno, "tell", name);
  return ok();
}

std::optional<world::Milliseconds> Supervisor::patience() {
  const std::int64_t microseconds = whole_number(variables_.watchdog_usec);
  const bool is_for_us =
      variables_.watchdog_pid.empty() || whole_number(variables_.watchdog_pid) == ::getpid();
  if (!is_there() || !is_for_us || microseconds <= 0)
    return std::nullopt;
  return world::Milliseconds{microseconds / 1000};
}

} // namespace os
