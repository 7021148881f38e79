#pragma once
// Serve command: `belay serve`, which stays, and `belay schedule`, which tells what it does when.

#include "app/app.hpp"
#include "cli/cli.hpp"

#include <memory>
#include <optional>

namespace CLI {
class App;
}

namespace cli {

class ServeCommand {
public:
  explicit ServeCommand(CLI::App& root);
  ~ServeCommand();
  ServeCommand(const ServeCommand&) = delete;
  ServeCommand& operator=(const ServeCommand&) = delete;

  // The exit status when the command line asked for one of them. `host` names the belay.yaml.
  std::optional<int> run(const app::Host& host, const Terminal& terminal, bool is_json) const;

private:
  struct Options;
  std::unique_ptr<Options> options_;
};

} // namespace cli
