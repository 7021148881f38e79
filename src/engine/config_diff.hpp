#pragma once
// Config diff: what is different between two captures of the config files, for people. Pure.

#include "state/folder.hpp"

#include <string>
#include <vector>

namespace engine {

// Lines as "config   .env: ~ KEY=..."; values of keys that name a secret are redacted, and so is
// every value that looks like one. Bounded in number and length.
std::vector<std::string> diff_config(const std::vector<state::ConfigFile>& before,
                                     const std::vector<state::ConfigFile>& after);

} // namespace engine
