#pragma once
// Abandoned command: the face of `belay abandoned`: what ways back have swapped out.

#include "app/app.hpp"
#include "cli/cli.hpp"

#include <string>

namespace cli {

// Each returns the exit status.
int abandoned(const app::Host& host, const Terminal& terminal, bool is_json);
int abandoned_show(const app::Host& host, const Terminal& terminal, const std::string& id,
                   bool is_json);
int abandoned_export(const app::Host& host, const Terminal& terminal, const std::string& id,
                     const std::string& into, bool is_json);

} // namespace cli
