#pragma once
// Driver command: `belay driver test`, for those who write a driver.

#include "app/app.hpp"
#include "cli/cli.hpp"

#include <memory>
#include <optional>

namespace CLI {
class App;
}

namespace cli {

class DriverCommand {
public:
  DriverCommand();
  ~DriverCommand();
  DriverCommand(const DriverCommand&) = delete;
  DriverCommand& operator=(const DriverCommand&) = delete;

  void add_to(CLI::App& root);
  // The exit status when the command line asked for it; needs no belay.yaml.
  std::optional<int> run(const app::Host& host, const Terminal& terminal, bool is_json) const;

private:
  struct Options;
  std::unique_ptr<Options> options_;
};

} // namespace cli
