#pragma once
// Secret texts: every secret that a configuration leads to, so that it can be taken out of what is
// given away. Never to be printed.

#include "config/config.hpp"

namespace config {

// Those that the stack refers to (as far as they can be read), the addresses of webhooks behind
// their host, and values whose name promises a secret or that hold a login: of `env` and headers,
// of variables of the environment and of the env_files, of lines of the config files.
std::vector<std::string> secret_texts(world::Files& files, const Loaded& loaded,
                                      const Environment& environment);
// The name of a variable, header or key promises a secret.
bool looks_secret(std::string_view name);

} // namespace config
