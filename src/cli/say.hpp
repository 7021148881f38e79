#pragma once
// Say: what every command says in the same way.

#include "base/result.hpp"
#include "cli/cli.hpp"

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace cli {

std::string line_of(const nlohmann::json& object);            // one line; broken UTF-8 is replaced
int print(const Terminal& terminal, const std::string& text); // seen at once; gives exit_done
// The error and its hint, for people.
void say(const Terminal& terminal, const base::Error& error);
// The same; with --json, for programs too. Gives `status`.
int fail(const Terminal& terminal, const base::Error& error, int status, bool is_json);

} // namespace cli
