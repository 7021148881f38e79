#pragma once
// Resources: what the machine has left, and whether its clock can be believed. Read-only.

#include "base/result.hpp"
#include "world/processes.hpp"

#include <cstdint>

namespace world {

struct MemoryInfo {
  std::uint64_t total_bytes = 0;
  std::uint64_t available_bytes = 0; // without swapping: proc(5), MemAvailable
};
struct OpenFiles {
  std::uint64_t open = 0;
  std::uint64_t max = 0; // soft limit
};

class Resources {
public:
  virtual ~Resources() = default;
  virtual base::Result<MemoryInfo> memory() = 0;
  // Of one process. not_found: it is gone; failed: it is not ours to look at.
  virtual base::Result<OpenFiles> open_files(const ProcessId& id) = 0;
  // Our own limit, which what we start inherits.
  virtual base::Result<OpenFiles> own_open_files() = 0;
  virtual base::Result<OpenFiles> all_open_files() = 0; // of the whole machine
  // Something (NTP, PTP, the host) keeps the clock right. unavailable: the kernel does not say.
  virtual base::Result<bool> is_clock_synchronised() = 0;
};

} // namespace world
