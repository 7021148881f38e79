#pragma once
// Points command: the face of `belay points`, and of what brings a point of a repository here.

#include "app/app.hpp"
#include "cli/cli.hpp"

#include <string>

namespace cli {

// Returns the exit status: a place that is out of reach is told, and is no failure.
int points(const app::Host& host, const Terminal& terminal, const std::string& stack, bool is_json);

} // namespace cli
