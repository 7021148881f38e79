#pragma once
// Environment: what the services of the stack have as variables, and where from.

#include "checks/look.hpp"
#include "checks/variables.hpp"

#include <set>
#include <string>
#include <vector>

namespace checks {

// The files with variables of the services: those of `preflight.env_files`, and config files whose
// name says it (`.env`, `.env.local`, `shop.env`).
std::vector<std::string> env_files_of(const domain::Stack& stack);
// Every variable of the services that can be read, the services' own first. They hold secrets:
// never to be printed.
std::vector<Variable> values_of_services(const Look& look);
// Names that are set and not empty, with those that belay sets itself.
std::set<std::string> set_names(const Look& look);

} // namespace checks
