#pragma once
// Support command: `belay support OPERATION`, for those who ask somebody for help.

#include "app/app.hpp"
#include "cli/cli.hpp"

#include <memory>
#include <optional>

namespace CLI {
class App;
}

namespace cli {

class SupportCommand {
public:
  explicit SupportCommand(CLI::App& root);
  ~SupportCommand();
  SupportCommand(const SupportCommand&) = delete;
  SupportCommand& operator=(const SupportCommand&) = delete;

  // The exit status when the command line asked for it. `host` names the belay.yaml.
  std::optional<int> run(const app::Host& host, const Terminal& terminal, bool is_json) const;

private:
  struct Options;
  std::unique_ptr<Options> options_;
};

} // namespace cli
