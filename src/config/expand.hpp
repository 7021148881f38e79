#pragma once
// Expand: `${VAR}` and its kin in one text, as compose reads them, from the process environment
// and then the env_files. A variable that is missing and has no default is an error, never "".

#include "base/result.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace config {

using Variables = std::map<std::string, std::string, std::less<>>;

// Where variables come from; the first layer that has one wins.
struct Scope {
  struct Layer {
    std::string name; // "env", or the name of an env_file
    Variables variables;
  };
  std::vector<Layer> layers;
  std::size_t bytes_left = 4U << 20U; // of expanded text in all, so that no file can grow for ever

  struct Found {
    const Layer* layer = nullptr;
    const std::string* value = nullptr; // nullptr: in no layer
  };
  Found find(std::string_view name) const;
};

struct Expanded {
  std::string text;
  std::vector<std::string> sources; // "env FOO", ".env BAR", in order of use, each once
};

bool is_variable_name(std::string_view name);

// ${VAR} ${VAR:-default} ${VAR-default} ${VAR:?error} ${VAR?error} ${VAR:+other} ${VAR+other}
// $VAR $$; what follows the operator is expanded too.
base::Result<Expanded> expand(std::string_view text, Scope& scope);

} // namespace config
