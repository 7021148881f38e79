#pragma once
// Compose: a compose file made into the text of a belay.yaml. Pure: nothing is looked at.

#include "discovery/draft.hpp"

#include <optional>

namespace discovery {

// Nothing: the folder has no compose file that names services, or something else runs the stack.
std::optional<Draft> draft_of_compose(const Seen& seen, const Answers& answers);

} // namespace discovery
