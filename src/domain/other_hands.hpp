#pragma once
// OtherHands: what somebody else runs, and would reach into an operation: kept away for its time.

#include "base/result.hpp"
#include "domain/preflight.hpp"

#include <vector>

namespace domain {

class OtherHands {
public:
  virtual ~OtherHands() = default;
  // Both idempotent, and whole again after a crash at any effect of either. What is held stays held
  // beyond our end and a boot. What does nothing at this moment is not held.
  virtual base::Result<> hold() = 0;
  // Gives back what this operation has held, and that alone. What somebody has changed meanwhile
  // stays as it is.
  virtual base::Result<> let_go() = 0;
  // What is held, and what of it cannot be. Read-only.
  virtual base::Result<std::vector<Finding>> findings() { return std::vector<Finding>{}; }
};

} // namespace domain
