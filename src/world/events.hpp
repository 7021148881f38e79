#pragma once
// Events: the one-way stream of what belay does, for people, logs and `--json`. Not an effect.

#include "world/clock.hpp"

#include <string>

namespace world {

enum class EventKind {
  operation_begun,
  step_begun,
  progress,
  step_done,
  step_failed,
  notice,
  warning,
  operation_ended
};

struct Event {
  EventKind kind = EventKind::notice;
  TimePoint at;
  std::string operation;   // id, may be empty
  std::string step;        // journal name of the step, may be empty
  std::string text;        // one line for people; never holds a secret
  std::uint64_t done = 0;  // progress: bytes or parts done ...
  std::uint64_t total = 0; // ... of this many; 0 = unknown
};

class Events {
public:
  virtual ~Events() = default;
  virtual void emit(const Event& event) = 0; // must not fail and must not block for long
};

} // namespace world
