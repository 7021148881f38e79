#pragma once
// EnvFile: the variables of one env_file, in the syntax of compose's `.env`.

#include "config/expand.hpp"
#include "config/problems.hpp"

#include <string>
#include <string_view>

namespace config {

constexpr std::size_t env_file_bytes_max = 1U << 20U;

// KEY=VALUE or KEY: VALUE, `export` before it, # comments, '...' taken as it is, "..." with
// escapes; ${VAR} in all but single quotes, from `outer` and then from the lines above.
// A key without a value takes nothing. invalid_input names the place.
base::Result<Variables> parse_env_file(std::string_view text, const std::string& file,
                                       const Scope& outer);

} // namespace config
