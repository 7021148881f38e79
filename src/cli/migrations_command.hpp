#pragma once
// Migrations command: what was applied, what is pending, and what each statement does.

#include "app/app.hpp"
#include "cli/cli.hpp"
#include "cli/options.hpp"

namespace cli {

// Returns the exit status: blocked when something of it must not run.
int migrations(const app::Host& host, const Terminal& terminal, const Options& options);

} // namespace cli
