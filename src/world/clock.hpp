#pragma once
// Clock: wall time for people and records, monotonic time for durations, and waiting.

#include <chrono>

namespace world {

using TimePoint = std::chrono::system_clock::time_point;
using Milliseconds = std::chrono::milliseconds;

class Clock {
public:
  virtual ~Clock() = default;
  virtual TimePoint now() = 0; // may jump; for people and records only
  // Since an arbitrary origin; never goes back. Deadlines and durations use this one only.
  virtual Milliseconds monotonic() = 0;
  // Returns early when the operator asked us to stop.
  virtual void sleep_for(Milliseconds duration) = 0;
  // The operator asked us to stop (SIGINT, SIGTERM). Looked at between effects only.
  virtual bool stop_requested() = 0;
};

} // namespace world
