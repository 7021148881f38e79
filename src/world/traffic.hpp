#pragma once
// Traffic: what went over lines to other machines, counted as it goes. What had to be sent again
// counts again.

#include <atomic>
#include <cstdint>

namespace world {

struct Traffic {
  std::atomic<std::uint64_t> sent_bytes = 0;
  std::atomic<std::uint64_t> received_bytes = 0;
};

} // namespace world
