#pragma once
// Faults: one fault at an exact effect of a run. The fault model, and why each must be survivable:
//   crash_before  belay dies (kill -9) before the effect: the journal is behind by nothing
//   crash_after   belay dies after the effect: it happened, but nobody was told
//   crash_torn    belay dies inside: half of the bytes, half of the tree
//   power_cut     the machine dies after the effect: services too; what is durable stays
//   fail_once     the effect reports failure and did nothing
//   fail_always   so does every effect after it: nothing can be promised but to lose nothing
//   lost_reply    the effect happened and reports an unknown outcome
//   no_space      from here on nothing can be written until the run ends
//   clock_jump    the wall clock goes back by a day
//   read_fails    a read-only call fails (counted apart from effects)

#include "base/result.hpp"

#include <cstddef>
#include <string>

namespace sim {

// Thrown where the process would die. Not a std::exception: nothing but the harness catches it.
struct Crash {};

enum class Fault {
  none,
  crash_before,
  crash_after,
  crash_torn,
  power_cut,
  fail_once,
  fail_always,
  lost_reply,
  no_space,
  clock_jump,
  read_fails,
};
const char* name_of(Fault fault);

// What the armed fault asks of the effect that is about to happen.
enum class Verdict {
  apply,
  fail,
  crash_before,
  crash_after,
  tear,
  power_cut,
  lose_reply,
  no_space
};

class Faults {
public:
  // Inject `fault` at the `at`-th effect (or read, for read_fails) counted from now, 0-based.
  void arm(Fault fault, std::size_t at);
  Verdict next_effect(bool writes_bytes); // throws Crash when already dead
  bool next_read();                       // true: this read fails
  void die(); // from now on every call throws, so that no destructor can repair anything
  bool fired() const { return fired_; }
  bool take_clock_jump();
  std::size_t effects() const { return effects_; }

private:
  Fault fault_ = Fault::none;
  std::size_t at_ = 0;
  std::size_t effects_ = 0;
  std::size_t reads_ = 0;
  bool fired_ = false;
  bool dead_ = false;
  bool clock_jump_due_ = false;
};

} // namespace sim
