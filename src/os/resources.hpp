#pragma once
// Resources: those of this machine. Linux: proc(5), getrlimit(2), adjtimex(2).

#include "world/resources.hpp"

namespace os {

// Before the first thread begins, once: what is freed of 4 MiB and more goes back to the system at
// once, and what is asked for of that size costs only what is written to. glibc would otherwise
// keep it after the first time (mallopt(3), M_MMAP_THRESHOLD). What is smaller is kept, up to 8 MiB
// for each thread, and used again without a page fault for every 4 KiB (M_TRIM_THRESHOLD).
void give_back_large_memory();

class Resources final : public world::Resources {
public:
  base::Result<world::MemoryInfo> memory() override;
  base::Result<world::OpenFiles> open_files(const world::ProcessId& id) override;
  base::Result<world::OpenFiles> own_open_files() override;
  base::Result<world::OpenFiles> all_open_files() override;
  base::Result<bool> is_clock_synchronised() override;
};

} // namespace os
