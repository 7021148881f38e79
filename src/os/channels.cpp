#include "os/channels.hpp"

#include "os/spawn.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::Milliseconds;

namespace {

constexpr std::size_t complaint_bytes_max = 8U << 10U;
constexpr int last_words_ms = 1000; // for what a program that closed its output still says

Result<> make_non_blocking(const Fd& file) {
  if (::fcntl(file.get(), F_SETFL, O_NONBLOCK) != 0)
    return error_of(errno, "set up", "pipe");
  return ok();
}

class PipedChannel final : public world::Channel {
public:
  PipedChannel(std::string name, pid_t pid, Fd to, Fd from, Fd err)
      : name_{std::move(name)}, pid_{pid}, to_{std::move(to)}, from_{std::move(from)},
        err_{std::move(err)} {}

  ~PipedChannel() override {
    ::kill(pid_, SIGTERM); // it has nothing left to do: what it did was answered
    for (int turn = 0; turn < 200; ++turn) {
      if (::waitpid(pid_, nullptr, WNOHANG) != 0)
        return;
      ::poll(nullptr, 0, 10);
    }
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  PipedChannel(const PipedChannel&) = delete;
  PipedChannel& operator=(const PipedChannel&) = delete;

  Result<> write(std::string_view bytes, Milliseconds patience) override {
    while (!bytes.empty()) {
      const auto put = ::write(to_.get(), bytes.data(), bytes.size());
      if (put > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(put));
        continue;
      }
      if (put < 0 && errno != EAGAIN && errno != EINTR)
        return ended();
      TRY(wait_for(to_, POLLOUT, patience));
    }
    return ok();
  }

  Result<std::string> read(std::size_t bytes, Milliseconds patience) override {
    std::string all(bytes, '\0');
    std::size_t at = 0;
    while (at < bytes) {
      const auto got = ::read(from_.get(), all.data() + at, bytes - at);
      if (got > 0) {
        at += static_cast<std::size_t>(got);
        continue;
      }
      if (got == 0 || (errno != EAGAIN && errno != EINTR))
        return ended();
      TRY(wait_for(from_, POLLIN, patience));
    }
    return all;
  }

  std::string complaint() override { return complaint_; }

private:
  Error ended() {
    pollfd wait{err_.get(), POLLIN, 0};
    while (::poll(&wait, 1, last_words_ms) == 1 && take_complaint()) {
    }
    return {ErrorKind::unavailable, "'" + name_ + "' has ended", ""};
  }

  // What it complains of is read meanwhile, so that it never waits for us to do so.
  Result<> wait_for(const Fd& file, short what, Milliseconds patience) {
    for (;;) {
      std::array<pollfd, 2> waits{pollfd{file.get(), what, 0},
                                  pollfd{is_err_open_ ? err_.get() : -1, POLLIN, 0}};
      const int ready = ::poll(waits.data(), waits.size(), static_cast<int>(patience.count()));
      if (ready < 0 && errno == EINTR)
        continue;
      if (ready <= 0)
        return Error{ErrorKind::unavailable,
                     "'" + name_ + "' did nothing for " + std::to_string(patience.count()) + " ms",
                     ""};
      if (waits[1].revents != 0)
        is_err_open_ = take_complaint();
      if (waits[0].revents != 0)
        return ok();
    }
  }

  bool take_complaint() {
    std::array<char, 4096> buffer{};
    const auto got = ::read(err_.get(), buffer.data(), buffer.size());
    if (got <= 0)
      return false;
    complaint_.append(buffer.data(), static_cast<std::size_t>(got));
    if (complaint_.size() > complaint_bytes_max)
      complaint_.erase(0, complaint_.size() - complaint_bytes_max);
    return true;
  }

  std::string name_;
  pid_t pid_;
  Fd to_;
  Fd from_;
  Fd err_;
  bool is_err_open_ = true;
  std::string complaint_;
};

} // namespace

Result<std::unique_ptr<world::Channel>> Channels::open(const std::vector<std::string>& argv) {
  std::signal(SIGPIPE, SIG_IGN); // a program that has ended is an error like others
  Pipe in = TRY(make_pipe());
  Pipe out = TRY(make_pipe());
  Pipe err = TRY(make_pipe());
  TRY(make_non_blocking(in.write_end));
  TRY(make_non_blocking(out.read_end));
  TRY(make_non_blocking(err.read_end));
  const pid_t pid = TRY(spawn({.argv = argv, .variables = own_variables(), .has_session = true},
                              {in.read_end, out.write_end, err.write_end}));
  return std::unique_ptr<world::Channel>{
      std::make_unique<PipedChannel>(argv.front(), pid, std::move(in.write_end),
                                     std::move(out.read_end), std::move(err.read_end))};
}

} // namespace os
