#include "os/clock.hpp"

#include "base/result.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>

#include <fcntl.h>
#include <poll.h>
#include <sys/random.h>
#include <unistd.h>

namespace os {
namespace {

// A signal handler can reach nothing but globals: the one place where belay has some.
std::atomic<bool> is_stop_requested = false;
std::array<int, 2> wake_pipe{-1, -1};

void on_signal(int number) {
  if (is_stop_requested.exchange(true)) { // asked twice: as if there were no handler
    std::signal(number, SIG_DFL);
    std::raise(number);
    return;
  }
  const int saved = errno;
  const char byte = 1;
  const auto written = ::write(wake_pipe[1], &byte, 1);
  (void)written;
  errno = saved;
}

} // namespace

void install_stop_signals() {
  CHECK(::pipe2(wake_pipe.data(), O_CLOEXEC | O_NONBLOCK) == 0);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (const int number : {SIGINT, SIGTERM})
    CHECK(::sigaction(number, &action, nullptr) == 0);
  std::signal(SIGPIPE, SIG_IGN);
}

world::TimePoint Clock::now() {
  return std::chrono::system_clock::now();
}

world::Milliseconds Clock::monotonic() {
  timespec time{};
  CHECK(::clock_gettime(CLOCK_BOOTTIME, &time) == 0);
  return std::chrono::duration_cast<world::Milliseconds>(std::chrono::seconds{time.tv_sec} +
                                                         std::chrono::nanoseconds{time.tv_nsec});
}

// The pipe keeps its byte for ever, so a stop that came before the sleep is not slept through.
void Clock::sleep_for(world::Milliseconds duration) {
  const auto end = monotonic() + duration;
  for (auto left = duration; left.count() > 0 && !stop_requested(); left = end - monotonic()) {
    pollfd wake{wake_pipe[0], POLLIN, 0};
    const bool has_pipe = wake_pipe[0] >= 0;
    ::poll(&wake, has_pipe ? 1 : 0, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
  }
}

bool Clock::stop_requested() {
  return is_stop_requested;
}

std::string Random::hex(std::size_t count) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  while (text.size() < count) {
    std::array<unsigned char, 32> bytes{};
    CHECK(::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
    for (const unsigned char byte : bytes)
      text += digits[byte & 15U];
  }
  text.resize(count);
  return text;
}

void Random::fill(std::span<unsigned char> bytes) {
  while (!bytes.empty()) {
    const auto got = ::getrandom(bytes.data(), bytes.size(), 0);
    CHECK(got > 0 || errno == EINTR);
    bytes = bytes.subspan(got > 0 ? static_cast<std::size_t>(got) : 0);
  }
}

} // namespace os
