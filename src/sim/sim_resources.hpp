#pragma once
// SimResources: a machine whose numbers a test sets.

#include "world/resources.hpp"

namespace sim {

class SimResources final : public world::Resources {
public:
  base::Result<world::MemoryInfo> memory() override { return memory_info; }
  base::Result<world::OpenFiles> open_files(const world::ProcessId& /*id*/) override {
    return service_files;
  }
  base::Result<world::OpenFiles> own_open_files() override { return own_files; }
  base::Result<world::OpenFiles> all_open_files() override { return all_files; }
  base::Result<bool> is_clock_synchronised() override { return synchronised; }

  world::MemoryInfo memory_info{8ULL << 30U, 4ULL << 30U};
  world::OpenFiles service_files{20, 1024};
  world::OpenFiles own_files{10, 1024};
  world::OpenFiles all_files{1000, 100'000};
  base::Result<bool> synchronised = true;
};

} // namespace sim
