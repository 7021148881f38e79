#pragma once
// StackPaths: which belay.yaml are meant by what was typed.

#include "app/app.hpp"
#include "cli/cli.hpp"

#include <string>
#include <vector>

namespace cli {

// Links are followed, for a belay.yaml's folder is its project's; a folder means every .yaml in
// it; nothing typed means that of --config. not_found: there is none.
base::Result<std::vector<std::string>> config_paths(const app::Host& host, const Terminal& terminal,
                                                    const std::vector<std::string>& names);

// The program that runs, also after its file was replaced: what we start is never of another
// release than we are.
inline constexpr const char* own_program = "/proc/self/exe";

} // namespace cli
