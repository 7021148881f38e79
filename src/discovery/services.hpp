#pragma once
// Services: which programs are the stack's, how they are run, from which release, when ready.

#include "discovery/guess.hpp"

namespace discovery {

// Adds questions, notes, labels and env_files to `guess`.
base::Result<std::vector<ServiceGuess>> guess_services(const Seen& seen, const Answers& answers,
                                                       Guess& guess);

} // namespace discovery
