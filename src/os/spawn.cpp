#include "os/spawn.hpp"

#include "os/argv.hpp"

#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::Result;

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return error_of(errno, "make", "pipe");
  return Pipe{Fd{ends[0]}, Fd{ends[1]}};
}

Result<pid_t> spawn(Spawn what, Streams streams) {
  const std::vector<char*> argv = argv_of(what.argv);
  const std::vector<char*> variables = argv_of(what.variables);
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&actions, streams.in.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, streams.out.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, streams.err.get(), STDERR_FILENO);
  if (!what.working_folder.empty())
    ::posix_spawn_file_actions_addchdir_np(&actions, what.working_folder.c_str());
  sigset_t none;
  sigset_t ours;
  ::sigemptyset(&none);
  ::sigemptyset(&ours);
  for (const int number : {SIGPIPE, SIGINT, SIGTERM})
    ::sigaddset(&ours, number);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &ours);
  const int apart = what.has_session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
  ::posix_spawnattr_setflags(
      &attributes, static_cast<short>(apart | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  pid_t pid = -1;
  const int failed =
      ::posix_spawnp(&pid, argv.front(), &actions, &attributes, argv.data(), variables.data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (failed == ENOENT)
    return Error{ErrorKind::not_found, "there is no program '" + what.argv.front() + "'",
                 "Install it, or correct its path."};
  if (failed != 0)
    return error_of(failed, "run", what.argv.front());
  return pid;
}

std::vector<std::string> own_variables() {
  std::vector<std::string> all;
  for (char** at = environ; *at != nullptr; ++at)
    all.emplace_back(*at);
  return all;
}

} // namespace os
