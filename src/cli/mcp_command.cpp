#include "cli/mcp_command.hpp"

#include "cli/exit_status.hpp"
#include "cli/say.hpp"
#include "cli/stack_paths.hpp"
#include "mcp/server.hpp"

#include <CLI/CLI.hpp>

namespace cli {

struct McpCommand::Options {
  CLI::App* mcp = nullptr;
  std::vector<std::string> configs;
  std::string allow = "look";
};

McpCommand::~McpCommand() = default;

McpCommand::McpCommand(CLI::App& root) : options_{std::make_unique<Options>()} {
  CLI::App* mcp = root.add_subcommand(
      "mcp", "let an agent look, and operate where it is allowed: Model Context Protocol");
  options_->mcp = mcp;
  mcp->fallthrough();
  mcp->footer("An agent's program starts it, and speaks to it over standard input and output.\n"
              "Operations that it began go on when it ends.\n"
              "Examples:\n  belay mcp\n  belay mcp /etc/belay/stacks.d --allow operate");
  mcp->add_option("CONFIG", options_->configs,
                  "a belay.yaml each, or a folder of them; that of --config if left out");
  mcp->add_option("--allow", options_->allow,
                  "look: nothing is changed; operate: plans are carried out, points taken, too")
      ->check(CLI::IsMember({"look", "operate"}))
      ->capture_default_str();
}

std::optional<int> McpCommand::run(const app::Host& host, const Terminal& terminal) const {
  if (!options_->mcp->parsed())
    return std::nullopt;
  auto paths = config_paths(host, terminal, options_->configs);
  if (!paths) {
    say(terminal, paths.error()); // standard output is for messages
    return status_of(paths.error(), false);
  }
  mcp::Server server{errands::Stacks{host, own_program, std::move(paths).value()},
                     host.world.clock,
                     {.version = terminal.version, .may_operate = options_->allow == "operate"},
                     [&](const std::string& line) { print(terminal, line + "\n"); }};
  server.run(*terminal.line_input);
  return exit_done;
}

} // namespace cli
