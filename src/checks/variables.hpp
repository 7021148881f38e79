#pragma once
// Variables: names and values in the files by which programs are configured. Pure, and tolerant:
// what a line means that nobody understands is not guessed.

#include "base/result.hpp"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace checks {

struct Variable {
  std::string name;
  std::string value; // without its quotes; nothing is expanded
  bool operator==(const Variable&) const = default;
};
// NAME=VALUE a line, `export` before it, # comments, quotes; the last of two wins.
std::vector<Variable> parse_variables(std::string_view text);

// A variable that a release asks for.
struct Wanted {
  std::string name;
  bool has_default = false; // it runs without; else somebody must set it
  bool operator==(const Wanted&) const = default;
};
// Of a `.env.example`: one without a value, or with a placeholder for one, must be set.
std::vector<Wanted> wanted_by_example(std::string_view text);
// Of a compose file: ${NAME}, ${NAME:-default}, and names in `environment` without a value.
base::Result<std::vector<Wanted>> wanted_by_compose(std::string_view text);

// The keys of a values file, dotted: "image.tag". Lists count as one key.
base::Result<std::vector<std::string>> keys_of_values(std::string_view text);

// The values in a YAML file with the name that each belongs to: a key, or NAME of "NAME=VALUE" in a
// list. ${NAME:-default} is what it becomes: nothing when `set` has the name, else the default.
base::Result<std::vector<Variable>> values_in_yaml(std::string_view text,
                                                   const std::set<std::string>& set);

// --- Placeholders ------------------------------------------------------------------------------

// A variable of this name usually holds a secret.
bool is_secret_name(std::string_view name);
// The value stands for one that somebody forgot to fill in: docs/guide/checks.md has the list.
bool is_placeholder(std::string_view name, std::string_view value);

} // namespace checks
