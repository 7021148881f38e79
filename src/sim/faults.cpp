#include "sim/faults.hpp"

namespace sim {

const char* name_of(Fault fault) {
  switch (fault) {
  case Fault::none: return "none";
  case Fault::crash_before: return "crash_before";
  case Fault::crash_after: return "crash_after";
  case Fault::crash_torn: return "crash_torn";
  case Fault::power_cut: return "power_cut";
  case Fault::fail_once: return "fail_once";
  case Fault::fail_always: return "fail_always";
  case Fault::lost_reply: return "lost_reply";
  case Fault::no_space: return "no_space";
  case Fault::clock_jump: return "clock_jump";
  case Fault::read_fails: return "read_fails";
  }
  return "?";
}

void Faults::arm(Fault fault, std::size_t at) {
  fault_ = fault;
  at_ = at;
  effects_ = 0;
  reads_ = 0;
  fired_ = false;
  dead_ = false;
  clock_jump_due_ = false;
}

void Faults::die() {
  dead_ = true;
  throw Crash{};
}

bool Faults::take_clock_jump() {
  return std::exchange(clock_jump_due_, false);
}

bool Faults::next_read() {
  if (dead_)
    throw Crash{};
  if (fault_ != Fault::read_fails || reads_++ != at_)
    return false;
  fired_ = true;
  return true;
}

Verdict Faults::next_effect(bool writes_bytes) {
  if (dead_)
    throw Crash{};
  const std::size_t index = effects_++;
  const bool lasts = fault_ == Fault::fail_always || fault_ == Fault::no_space;
  if (fault_ == Fault::none || fault_ == Fault::read_fails || (lasts ? index < at_ : index != at_))
    return Verdict::apply;
  fired_ = true;
  switch (fault_) {
  case Fault::crash_before: return Verdict::crash_before;
  case Fault::crash_after: return Verdict::crash_after;
  case Fault::crash_torn: return Verdict::tear;
  case Fault::power_cut: return Verdict::power_cut;
  case Fault::lost_reply: return Verdict::lose_reply;
  case Fault::no_space: return writes_bytes ? Verdict::no_space : Verdict::apply;
  case Fault::clock_jump: clock_jump_due_ = true; return Verdict::apply;
  default: return Verdict::fail;
  }
}

} // namespace sim
