#pragma once
// Token command: `belay token create|list|revoke`: who may speak to `belay serve` over TCP.

#include "app/app.hpp"
#include "cli/cli.hpp"

#include <memory>
#include <optional>

namespace CLI {
class App;
}

namespace cli {

class TokenCommand {
public:
  explicit TokenCommand(CLI::App& root);
  ~TokenCommand();
  TokenCommand(const TokenCommand&) = delete;
  TokenCommand& operator=(const TokenCommand&) = delete;

  // The exit status when the command line asked for one of them.
  std::optional<int> run(const app::Host& host, const Terminal& terminal, bool is_json) const;

private:
  struct Options;
  std::unique_ptr<Options> options_;
};

} // namespace cli
