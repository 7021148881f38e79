#include "os/processes.hpp"

#include "os/argv.hpp"
#include "os/fd.hpp"
#include "os/proc.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
extern "C" { // glibc 2.36 forgot it in this header
#include <sys/pidfd.h>
}
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

// A service that is half started holds its lock for the time of a fork and an exec.
constexpr int lock_tries_max = 300; // of 100 ms

int number_of(world::Signal signal) {
  switch (signal) {
  case world::Signal::terminate: return SIGTERM;
  case world::Signal::interrupt: return SIGINT;
  case world::Signal::quit: return SIGQUIT;
  case world::Signal::hang_up: return SIGHUP;
  case world::Signal::kill: return SIGKILL;
  }
  return SIGTERM;
}

Result<Fd> take_start_lock(const std::string& path) {
  Fd file = TRY(open_file(path, O_RDWR | O_CREAT));
  for (int attempt = 0; ::flock(file.get(), LOCK_EX | LOCK_NB) != 0; ++attempt) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return error_of(errno, "lock", path);
    if (attempt >= lock_tries_max)
      return Error{ErrorKind::unavailable, "'" + path + "' stays locked: a start hangs",
                   "Look which process holds it with fuser."};
    ::usleep(100'000);
  }
  return file;
}

// The program as a path: execve does not search, and the environment searched is the service's.
std::string find_program(const std::string& name, const world::Environment& environment) {
  if (name.contains('/'))
    return name;
  std::string path = "/usr/local/bin:/usr/bin:/bin";
  for (const auto& [key, value] : environment)
    if (key == "PATH")
      path = value;
  std::size_t begin = 0;
  while (begin <= path.size()) {
    const auto end = std::min(path.find(':', begin), path.size());
    std::string candidate = path.substr(begin, end - begin) + "/" + name;
    if (end > begin && ::access(candidate.c_str(), X_OK) == 0)
      return candidate;
    begin = end + 1;
  }
  return "";
}

// Everything the child needs, made before the fork: after it only async-signal-safe calls are
// allowed, for other threads may have held any lock.
struct Prepared {
  std::string program;
  std::vector<std::string> arguments;
  std::vector<std::string> variables;
  std::vector<char*> argv;
  std::vector<char*> environment;
  std::string folder;
  int null_file = -1;
  int log_file = -1;
  int report = -1; // CLOEXEC: the grandchild's pid, then an errno when exec fails
};

[[noreturn]] void become_service(const Prepared& ready) {
  const auto report = [&](int value) {
    const auto written = ::write(ready.report, &value, sizeof value);
    (void)written;
  };
  report(::getpid());
  if (!ready.folder.empty() && ::chdir(ready.folder.c_str()) != 0) {
    report(errno);
    ::_exit(127);
  }
  ::dup2(ready.null_file, STDIN_FILENO);
  ::dup2(ready.log_file, STDOUT_FILENO);
  ::dup2(ready.log_file, STDERR_FILENO);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int number = 1; number < 32; ++number)
    ::signal(number, SIG_DFL);
  ::umask(022);
  ::execve(ready.program.c_str(), ready.argv.data(), ready.environment.data());
  report(errno);
  ::_exit(127);
}

// The service is our grandchild in a session of its own: it is nobody's zombie, has no terminal,
// and does not end with us.
[[noreturn]] void fork_again(const Prepared& ready) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setsid();
    become_service(ready);
  }
  ::_exit(pid < 0 ? 1 : 0);
}

Result<Prepared> ready_for(const world::ServiceStart& start) {
  Prepared ready;
  ready.program = find_program(start.argv.front(), start.environment);
  if (ready.program.empty())
    return Error{ErrorKind::failed, "there is no program '" + start.argv.front() + "'",
                 "Install it, or correct `run:` or the service's PATH."};
  ready.arguments = start.argv;
  for (const auto& [name, value] : start.environment)
    ready.variables.push_back(name + "=" + value);
  ready.argv = argv_of(ready.arguments);
  ready.environment = argv_of(ready.variables);
  ready.folder = start.working_folder;
  return ready;
}

} // namespace

Result<world::ProcessId> Processes::start(const world::ServiceStart& start) {
  const EffectScope scope{effects_, "processes.start", start.argv.front()};
  const Fd lock = TRY(take_start_lock(start.lock_path));
  const Fd null_file = TRY(open_file("/dev/null", O_RDONLY));
  const Fd log = TRY(open_file(start.log_path, O_WRONLY | O_CREAT | O_APPEND));
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return error_of(errno, "make a pipe for", start.argv.front());
  const Fd from_child{ends[0]};
  Fd to_parent{ends[1]};
  Prepared ready = TRY(ready_for(start));
  // The vectors of pointers point into strings that moved with `ready`.
  ready.argv = argv_of(ready.arguments);
  ready.environment = argv_of(ready.variables);
  ready.null_file = null_file.get();
  ready.log_file = log.get();
  ready.report = to_parent.get();
  const pid_t child = ::fork();
  if (child == 0)
    fork_again(ready);
  if (child < 0)
    return error_of(errno, "fork for", start.argv.front());
  TRY(to_parent.close("pipe"));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const auto answer = read_all(from_child, 64, "pipe"); // no TRY: GCC 12 misreads it at -O2 here
  if (!answer)
    return answer.error();
  const std::string& said = answer.value();
  std::array<int, 2> words{0, 0};
  std::memcpy(words.data(), said.data(), std::min(said.size(), sizeof words));
  if (said.size() < sizeof(int))
    return Error{ErrorKind::failed, "unable to fork for '" + start.argv.front() + "'", ""};
  if (said.size() >= sizeof words)
    return Error{ErrorKind::failed,
                 "unable to execute '" + ready.program + "': " + std::strerror(words[1]),
                 "Look at the program, its interpreter and the working folder."};
  proc::Stat stat;
  if (!proc::read_stat(words[0], stat))
    stat.start_ticks = 0; // it has ended already: whoever looks will find nobody
  return world::ProcessId{words[0], stat.start_ticks, proc::boot_id()};
}

Result<std::vector<world::ProcessInfo>>
Processes::find(const std::string& lock_path, const std::string& name, const std::string& value) {
  // Taken and let go: after it, a start by an earlier belay is over or will never be.
  if (::access(lock_path.c_str(), F_OK) == 0)
    TRY(take_start_lock(lock_path));
  std::vector<world::ProcessInfo> found;
  for (const int pid : proc::pids()) {
    const auto environment = proc::environment_of(pid);
    const bool has_tag = std::ranges::any_of(environment, [&](const auto& entry) {
      return entry.first == name && entry.second == value;
    });
    proc::Stat stat;
    if (has_tag && proc::read_stat(pid, stat) && proc::is_living(stat) && pid != ::getpid())
      found.push_back(proc::info_of(pid, stat, environment));
  }
  return found;
}

Result<bool> Processes::is_alive(const world::ProcessId& id) {
  proc::Stat stat;
  return id.boot_id == proc::boot_id() && proc::read_stat(id.pid, stat) && proc::is_living(stat) &&
         stat.start_ticks == id.start_ticks;
}

Result<> Processes::signal(const world::ProcessId& id, world::Signal signal) {
  const EffectScope scope{effects_, "processes.signal", std::to_string(id.pid)};
  // The pidfd is of one process for ever; only after it is open is looked whether it is ours.
  const Fd process{::pidfd_open(id.pid, 0)};
  if (!process) {
    if (errno == ESRCH)
      return ok();
    return error_of(errno, "reach process", std::to_string(id.pid));
  }
  if (!TRY(is_alive(id)))
    return ok();
  if (::pidfd_send_signal(process.get(), number_of(signal), nullptr, 0) != 0 && errno != ESRCH)
    return error_of(errno, "signal process", std::to_string(id.pid));
  return ok();
}

Result<std::vector<world::ProcessInfo>> Processes::listeners(int port) {
  std::vector<world::ProcessInfo> found;
  const auto inodes = proc::listening_inodes(port);
  if (inodes.empty())
    return found;
  for (const int pid : proc::pids()) {
    proc::Stat stat;
    if (proc::has_socket(pid, inodes) && proc::read_stat(pid, stat))
      found.push_back(proc::info_of(pid, stat, proc::environment_of(pid)));
  }
  return found;
}

Result<std::uint64_t> Processes::memory_bytes(const std::vector<world::ProcessId>& all) {
  std::uint64_t sum = 0;
  for (const world::ProcessId& id : all) {
    const std::uint64_t bytes = proc::memory_bytes_of(id.pid);
    if (bytes == 0 && TRY(is_alive(id)))
      return Error{ErrorKind::failed,
                   "the memory of pid " + std::to_string(id.pid) + " cannot be read",
                   "Run belay as the user of the service."};
    sum += bytes;
  }
  return sum;
}

Result<std::uint64_t> Processes::machine_memory_bytes() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page_bytes = ::sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page_bytes <= 0)
    return error_of(errno, "read", "the size of the memory");
  return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_bytes);
}

Result<world::ProcessId> Processes::self() {
  proc::Stat stat;
  CHECK(proc::read_stat(::getpid(), stat));
  return world::ProcessId{::getpid(), stat.start_ticks, proc::boot_id()};
}

} // namespace os
