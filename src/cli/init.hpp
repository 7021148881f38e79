#pragma once
// Init: the face of `belay init`: shows what was seen, asks what was not, writes the file.

#include "cli/cli.hpp"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace cli {

struct InitOptions {
  std::string folder; // empty: that of --config
  std::string stack;
  std::vector<std::string> answers; // KEY=VALUE
  bool is_yes = false;
  bool is_stdout = false;
};

void add_init_options(CLI::App& command, InitOptions& options);

// `config`: as --config says it. Returns the exit status.
int init(app::Host host, const Terminal& terminal, const InitOptions& options,
         const std::string& config, bool is_json);

} // namespace cli
