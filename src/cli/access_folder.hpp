#pragma once
// Access folder: where the tokens of this user's daemon are kept.

#include "app/app.hpp"
#include "cli/cli.hpp"

namespace cli {

// `given`: of --access; empty: /var/lib/belay/access for root, else belay/access below
// XDG_STATE_HOME, or below ~/.local/state. invalid_input: nothing of that is known.
base::Result<std::string> access_folder(const app::Host& host, const Terminal& terminal,
                                        const std::string& given);

} // namespace cli
