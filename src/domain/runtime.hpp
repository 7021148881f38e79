#pragma once
// Runtime: runs the services of a stack and changes what they run. It never decides.

#include "base/result.hpp"
#include "domain/preflight.hpp"
#include "domain/release.hpp"
#include "domain/stack.hpp"
#include "world/processes.hpp"

#include <optional>
#include <string>
#include <vector>

namespace domain {

// What an engine says of a service that tells of itself whether it is well.
enum class Health { unknown, starting, healthy, unhealthy };

struct Observed {
  bool is_running = false;
  std::optional<world::ProcessId> process; // the leader, where there is one that we can see
  std::string release_folder; // what the running process was started from, not what a link says
  std::string start_id;       // of this start; changes with every start
  std::vector<int> pids;      // all its processes, where the runtime can tell; else empty
  std::vector<int> ports;     // of this machine (TCP) that its engine passes on to it
  Health health = Health::unknown;
  int restarts = 0; // since its last start, by what keeps it alive
  int strays = 0;   // processes of this service whose leader is gone (it put itself in background)
  // When it does not run: how its last start ended, as far as known. For people.
  std::string detail;
};

// What a service sees of this machine's data.
struct Mount {
  std::string at;     // path in the service
  std::string source; // name of the volume; of a bind mount, its folder
  std::string folder; // where that is on this machine
};

class Runtime {
public:
  virtual ~Runtime() = default;

  // Make the release folder for `label`, or find that it exists whole; returns it with its digest.
  // A folder that is half made (crash) is made again. Never touches a folder that is in use.
  virtual base::Result<Release> prepare(const ServiceSpec& service, const std::string& label) = 0;
  // What `prepare` would need to exist: a source, a readable archive, a program. Changes nothing.
  virtual base::Result<> can_prepare(const ServiceSpec& service, const std::string& label) = 0;
  // The tree still has the digest of `release`, and its program is executable.
  virtual base::Result<> verify(const ServiceSpec& service, const Release& release) = 0;

  virtual base::Result<Observed> observe(const ServiceSpec& service) = 0;
  // The release that the `current` link names; nullopt when there is none yet.
  virtual base::Result<std::optional<std::string>> current_folder(const ServiceSpec& service) = 0;
  // Atomically point `current` to the release. Idempotent. Does not touch a running process.
  virtual base::Result<> switch_to(const ServiceSpec& service, const Release& release) = 0;
  // Start from the `current` link. Idempotent: nothing happens when it runs from that folder;
  // conflict when it runs from another.
  virtual base::Result<> start(const ServiceSpec& service) = 0;
  // Signal, wait, KILL; all its processes, strays too; confirmed gone when it returns.
  virtual base::Result<> stop(const ServiceSpec& service) = 0;
  // Keep everything else on this machine from starting, stopping or replacing it (restart policy,
  // timers), from before the first stop to the end of the operation. Both are idempotent and last
  // beyond our end; a reboot may lift a hold. `let_go` of what is not held does nothing.
  virtual base::Result<> hold(const ServiceSpec& /*service*/) { return base::ok(); }
  virtual base::Result<> let_go(const ServiceSpec& /*service*/) { return base::ok(); }
  // What speaks against an upgrade to `label`, and only this runtime can see. Read-only; `label`
  // may be empty.
  virtual base::Result<std::vector<Finding>> findings(const ServiceSpec& /*service*/,
                                                      const std::string& /*label*/) {
    return std::vector<Finding>{};
  }
  // The last lines of its log, at most `lines`; empty when there is none.
  virtual base::Result<std::string> log_tail(const ServiceSpec& service, int lines) = 0;
  // What it has said since its last start, at most its last `bytes_max`.
  virtual base::Result<std::string> log_of_start(const ServiceSpec& service,
                                                 std::size_t /*bytes_max*/) {
    return log_tail(service, 100'000);
  }
  // Physical memory that all its processes use now, in bytes. not_found: none runs.
  virtual base::Result<std::uint64_t> memory_bytes(const ServiceSpec& /*service*/) {
    return base::Error{base::ErrorKind::unavailable, "this runtime cannot tell the memory", ""};
  }
  // What its container has mounted, as its engine says. not_found: there is none.
  virtual base::Result<std::vector<Mount>> mounts(const ServiceSpec& /*service*/) {
    return base::Error{base::ErrorKind::unavailable, "this runtime cannot tell what is mounted",
                       ""};
  }
  // Forget a release folder that is neither current nor running. Idempotent.
  virtual base::Result<> discard(const ServiceSpec& service, const Release& release) = 0;
};

} // namespace domain
