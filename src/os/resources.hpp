#pragma once
// Resources: those of this machine. Linux: proc(5), getrlimit(2), adjtimex(2).

#include "world/resources.hpp"

namespace os {

class Resources final : public world::Resources {
public:
  base::Result<world::MemoryInfo> memory() override;
  base::Result<world::OpenFiles> open_files(const world::ProcessId& id) override;
  base::Result<world::OpenFiles> own_open_files() override;
  base::Result<world::OpenFiles> all_open_files() override;
  base::Result<bool> is_clock_synchronised() override;
};

} // namespace os
