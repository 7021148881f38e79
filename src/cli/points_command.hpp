#pragma once
// Points command: the face of `belay points`, and of what brings a point of a repository here.

#include "app/stack_fetch.hpp"
#include "cli/cli.hpp"

#include <optional>
#include <string>

namespace cli {

// Returns the exit status: a place that is out of reach is told, and is no failure.
int points(const app::Host& host, const Terminal& terminal, const std::string& stack, bool is_json);

// Brings the point of that id from a repository when it is in none but there, and tells of it.
// Returns the exit status when it could not.
std::optional<int> bring_point(const app::Host& host, const Terminal& terminal,
                               const app::FetchRequest& wanted, bool is_json);

} // namespace cli
