#pragma once
// Supervisor: who started us as a service, is told how we are, and ends us when we fall silent.

#include "base/result.hpp"
#include "world/clock.hpp"

#include <optional>
#include <string>

namespace world {

class Supervisor {
public:
  virtual ~Supervisor() = default;
  virtual bool is_there() = 0;
  // `lines` as sd_notify(3) has them: "READY=1\nSTATUS=one stack". Waits for 5 s at most; does
  // nothing when nobody is there.
  virtual base::Result<> tell(const std::string& lines) = 0;
  // We are ended when so long goes by without tell("WATCHDOG=1"). Nothing: nobody waits for that.
  virtual std::optional<Milliseconds> patience() = 0;
};

} // namespace world
