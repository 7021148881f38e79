#pragma once
// Mcp command: `belay mcp`: agents speak to it over standard input and output.

#include "app/app.hpp"
#include "cli/cli.hpp"

#include <memory>
#include <optional>

namespace CLI {
class App;
}

namespace cli {

class McpCommand {
public:
  explicit McpCommand(CLI::App& root);
  ~McpCommand();
  McpCommand(const McpCommand&) = delete;
  McpCommand& operator=(const McpCommand&) = delete;

  // The exit status when the command line asked for it. Prints nothing but the protocol on
  // standard output.
  std::optional<int> run(const app::Host& host, const Terminal& terminal) const;

private:
  struct Options;
  std::unique_ptr<Options> options_;
};

} // namespace cli
