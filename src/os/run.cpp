// Processes::run: a command with a deadline and bounded output.

#include "os/processes.hpp"
#include "os/spawn.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
extern "C" { // glibc 2.36 forgot it in this header
#include <sys/pidfd.h>
}
#include <sys/wait.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::Result;
using world::Milliseconds;

namespace {

constexpr Milliseconds grace{5000}; // between TERM and KILL

Milliseconds now() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return Milliseconds{time.tv_sec * 1000 + time.tv_nsec / 1'000'000};
}

// In memory, so that whoever does not read it cannot make us wait.
Result<Fd> make_input(const std::string& text) {
  if (text.empty())
    return open_file("/dev/null", O_RDONLY);
  Fd file{::memfd_create("input", MFD_CLOEXEC)};
  if (!file)
    return error_of(errno, "make", "standard input");
  TRY(write_all(file, text, "standard input"));
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

std::vector<std::string> variables_of(const world::Environment& added) {
  std::vector<std::string> all;
  for (const auto& [name, value] : added)
    all.push_back(name + "=" + value);
  for (std::string& entry : own_variables()) {
    const bool is_replaced = std::ranges::any_of(added, [&](const auto& each) {
      return entry.starts_with(each.first) &&
             std::string_view{entry}.substr(each.first.size()).starts_with('=');
    });
    if (!is_replaced)
      all.push_back(std::move(entry));
  }
  return all;
}

class Child {
public:
  explicit Child(const world::Command& command) : command_{command} {}

  Result<world::Output> run() {
    Pipe out = TRY(make_pipe());
    Pipe err = TRY(make_pipe());
    const Fd in = command_.input_path.empty() ? TRY(make_input(command_.input))
                                              : TRY(open_file(command_.input_path, O_RDONLY));
    if (!command_.output_path.empty())
      file_ = TRY(open_file(command_.output_path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
    pid_ = TRY(spawn({.argv = command_.argv,
                      .variables = variables_of(command_.environment),
                      .working_folder = command_.working_folder},
                     {in, file_ ? file_ : out.write_end, err.write_end}));
    TRY(out.write_end.close("pipe"));
    TRY(err.write_end.close("pipe"));
    process_ = Fd{::pidfd_open(pid_, 0)};
    const bool is_in_time = drain(out.read_end, err.read_end);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    if (!is_in_time)
      return Error{ErrorKind::unknown_outcome,
                   "'" + command_.argv.front() + "' did not end within " +
                       std::to_string(command_.timeout.count()) + " ms and was killed",
                   "Look what it has done; raise its timeout if it needs longer."};
    if (file_) {
      TRY(sync_file(file_, command_.output_path));
      TRY(file_.close(command_.output_path));
    }
    output_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return std::move(output_);
  }

private:
  // Read both streams until the process has ended. What it left in the background may keep them
  // open: that is not waited for.
  bool drain(const Fd& out, const Fd& err) {
    const auto deadline = now() + command_.timeout;
    auto kill_at = Milliseconds::max();
    bool is_in_time = true;
    std::array<pollfd, 3> waits{pollfd{out.get(), POLLIN, 0}, pollfd{err.get(), POLLIN, 0},
                                pollfd{process_.get(), POLLIN, 0}};
    for (;;) {
      const auto left = std::min(is_in_time ? deadline : kill_at, deadline + grace * 2) - now();
      ::poll(waits.data(), waits.size(),
             static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1000)));
      take(waits[0], output_.out);
      take(waits[1], output_.err);
      if ((waits[2].revents & POLLIN) != 0) {
        finish(waits[0], output_.out);
        finish(waits[1], output_.err);
        return is_in_time;
      }
      if (is_in_time && now() >= deadline) {
        is_in_time = false;
        kill_at = now() + grace;
        ::kill(-pid_, SIGTERM);
      } else if (!is_in_time && now() >= kill_at) {
        ::kill(-pid_, SIGKILL);
        kill_at = Milliseconds::max() / 2;
      }
    }
  }

  void take(pollfd& wait, std::string& text) const {
    if ((wait.revents & (POLLIN | POLLHUP)) == 0 || wait.fd < 0)
      return;
    std::array<char, 16384> buffer{};
    const auto got = ::read(wait.fd, buffer.data(), buffer.size());
    if (got <= 0) {
      wait.fd = -1;
      return;
    }
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > 2 * command_.output_bytes_max) // the last bytes are kept
      text.erase(0, text.size() - command_.output_bytes_max);
  }

  void finish(pollfd& wait, std::string& text) const {
    while (wait.fd >= 0 && ::poll(&wait, 1, 0) == 1)
      take(wait, text);
    if (text.size() > command_.output_bytes_max)
      text.erase(0, text.size() - command_.output_bytes_max);
  }

  const world::Command& command_;
  pid_t pid_ = -1;
  Fd process_;
  Fd file_; // for its standard output
  world::Output output_;
};

} // namespace

Result<world::Output> Processes::run(const world::Command& command) {
  const EffectScope scope{effects_, "processes.run", command.argv.front()};
  return Child{command}.run();
}

} // namespace os
