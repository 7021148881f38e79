#pragma once
// Drill command: the face of `belay drill`.

#include "app/app.hpp"
#include "cli/cli.hpp"

#include <memory>
#include <optional>

namespace CLI {
class App;
}

namespace cli {

class DrillCommand {
public:
  explicit DrillCommand(CLI::App& root);
  ~DrillCommand();
  DrillCommand(const DrillCommand&) = delete;
  DrillCommand& operator=(const DrillCommand&) = delete;

  // The exit status when the command line asked for it. `host` names the belay.yaml.
  std::optional<int> run(const app::Host& host, const Terminal& terminal, bool is_json) const;

private:
  struct Options;
  std::unique_ptr<Options> options_;
};

} // namespace cli
