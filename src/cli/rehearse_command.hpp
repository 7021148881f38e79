#pragma once
// Rehearse command: `belay rehearse`, the migrations of an upgrade on a copy of the data.

#include "app/app.hpp"
#include "cli/cli.hpp"

#include <memory>
#include <optional>

namespace CLI {
class App;
}

namespace cli {

class RehearseCommand {
public:
  explicit RehearseCommand(CLI::App& root);
  ~RehearseCommand();
  RehearseCommand(const RehearseCommand&) = delete;
  RehearseCommand& operator=(const RehearseCommand&) = delete;

  // The exit status when the command line asked for it. `host` names the belay.yaml.
  std::optional<int> run(const app::Host& host, const Terminal& terminal, bool is_json) const;

private:
  struct Options;
  std::unique_ptr<Options> options_;
};

} // namespace cli
