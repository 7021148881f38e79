#pragma once
// Processes: run a command to its end, or start a service that outlives us.

#include "base/result.hpp"
#include "world/clock.hpp"

#include <compare>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace world {

using Environment = std::vector<std::pair<std::string, std::string>>;

struct Command {
  std::vector<std::string> argv; // argv[0] is looked up in PATH; no shell is ever involved
  std::string working_folder;    // empty: ours
  Environment environment;       // added to ours
  std::string input;             // its standard input
  std::string input_path;        // a file that is its standard input, instead of `input`
  // Its standard output goes into this file (0600), made new, and is synced when it has ended;
  // what was there before is gone. Output::out stays empty.
  std::string output_path;
  Milliseconds timeout{60000}; // then TERM, 5 s, KILL to its process group: unknown_outcome
  std::size_t output_bytes_max = 1U << 20U; // of each stream; the last bytes are kept
};
struct Output {
  int exit_code = 0; // 128 + signal when a signal ended it, as a shell says it
  std::string out;
  std::string err;
};

// Identity of a process: a pid alone is reused, also by the first process after a boot.
struct ProcessId {
  int pid = 0;
  std::uint64_t start_ticks = 0; // /proc/PID/stat field 22
  std::string boot_id;           // /proc/sys/kernel/random/boot_id
  bool operator==(const ProcessId&) const = default;
};

struct ProcessInfo {
  ProcessId id;
  int parent_pid = 0;
  bool is_leader = false; // of its session: the one that we started, not a child of it
  Environment tags;       // its variables whose names begin with BELAY_
};

struct ServiceStart {
  std::vector<std::string> argv; // argv[0] absolute, or looked up in PATH
  std::string working_folder;
  Environment environment; // the whole of it, with the BELAY_ tags by which it is found again
  std::string log_path;    // standard output and error are appended here (0600)
  // Held from before the fork until the exec, so that whoever holds it knows that no half-started
  // service of an earlier, killed belay can still appear.
  std::string lock_path;
};

struct ListeningPort { // TCP
  std::string address; // "127.0.0.1", "::", as inet_ntop writes it
  int port = 0;
  auto operator<=>(const ListeningPort&) const = default;
};

// A living process with a listening port. What we may not see of it stays empty.
struct ListeningProcess {
  ProcessInfo process;
  std::vector<std::string> argv;
  std::string working_folder;
  std::string user;                       // the name of its owner, or the number when it has none
  Environment environment;                // the whole of it: holds secrets, never to be printed
  std::vector<ListeningPort> ports;       // sorted, each once
  std::vector<std::string> written_files; // plain files that it has open for writing; sorted
};

enum class Signal { terminate, interrupt, quit, hang_up, kill };

class Processes {
public:
  virtual ~Processes() = default;
  virtual base::Result<Output> run(const Command& command) = 0;

  // Start detached: own session, no terminal, standard input closed; survives our end.
  // failed when the program cannot be executed (nothing is left running then).
  virtual base::Result<ProcessId> start(const ServiceStart& start) = 0;
  // Every living (not zombie) process with the variable `name` = `value` in its environment.
  // Waits for a half-started one (`lock_path` of ServiceStart) to have appeared or died.
  virtual base::Result<std::vector<ProcessInfo>>
  find(const std::string& lock_path, const std::string& name, const std::string& value) = 0;
  virtual base::Result<bool> is_alive(const ProcessId& id) = 0;
  // Idempotent: a process that is gone is no error. Never hits another process with this pid.
  virtual base::Result<> signal(const ProcessId& id, Signal signal) = 0;
  // Processes that listen on this TCP port on loopback or any address; empty when nobody does.
  virtual base::Result<std::vector<ProcessInfo>> listeners(int port) = 0;
  // Every process that listens on a TCP port of this machine, by pid.
  virtual base::Result<std::vector<ListeningProcess>> all_listeners() = 0;
  // Physical memory of these processes, in bytes, shared pages divided among who shares them. One
  // that is gone counts for nothing.
  virtual base::Result<std::uint64_t> memory_bytes(const std::vector<ProcessId>& /*all*/) {
    return base::Error{base::ErrorKind::unavailable, "memory cannot be told here", ""};
  }
  virtual base::Result<std::uint64_t> machine_memory_bytes() {
    return base::Error{base::ErrorKind::unavailable, "memory cannot be told here", ""};
  }
  virtual base::Result<ProcessId> self() = 0;
};

} // namespace world
