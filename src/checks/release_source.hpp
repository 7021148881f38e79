#pragma once
// ReleaseSource: what can be known of a release before it is made.

#include "checks/look.hpp"

#include <optional>

namespace checks {

struct ReleaseSize {
  std::optional<std::uint64_t> bytes; // nullopt: not known
  std::string how; // "" when it was measured, else how it was guessed, or why not
};
ReleaseSize size_of_release(const Look& look, const domain::ServiceSpec& service);

// The release of this service that runs; nullptr: nothing was ever committed.
const domain::Release* running_release(const Look& look, const std::string& service);

} // namespace checks
