#pragma once
// Clock and Random: the real ones.

#include "world/clock.hpp"
#include "world/random.hpp"

namespace os {

// From now on SIGINT and SIGTERM ask belay to stop between two effects, and wake a sleep. A second
// one ends the process at once, as usual. Called once, by main().
void install_stop_signals();

class Clock final : public world::Clock {
public:
  world::TimePoint now() override;
  world::Milliseconds monotonic() override; // CLOCK_BOOTTIME: it does not stop in suspend
  void sleep_for(world::Milliseconds duration) override;
  bool stop_requested() override;
};

class Random final : public world::Random {
public:
  std::string hex(std::size_t count) override; // getrandom(2)
  void fill(std::span<unsigned char> bytes) override;
};

} // namespace os
