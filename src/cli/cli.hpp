#pragma once
// Cli: parses the command line, calls app, prints. Decides nothing but the exit status.

#include "app/app.hpp"
#include "cli/printer.hpp"
#include "world/channels.hpp"
#include "world/folders.hpp"
#include "world/http_server.hpp"
#include "world/line_input.hpp"
#include "world/machine.hpp"
#include "world/supervisor.hpp"

#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace cli {

struct Terminal {
  std::FILE* out;
  std::FILE* err;
  bool is_input_terminal = false;
  bool is_output_terminal = false;
  bool has_no_colour = false; // NO_COLOR is set
  // Of standard input. Nothing, here and below: it has ended, or somebody asked us to stop.
  std::function<std::optional<std::string>()> read_line;
  // Asks without showing what is typed.
  std::function<std::optional<std::string>(const std::string& question)> read_password;
  std::string working_folder;
  std::string version;
  world::Folders* folders = nullptr; // for repositories only
  world::Machine* machine = nullptr;
  world::Channels* channels = nullptr;
  world::HttpServer* http_server = nullptr; // for `serve` only
  world::Supervisor* supervisor = nullptr;  // the same
  world::LineInput* line_input = nullptr;   // standard input, for `mcp` only
};

// Everything but the config path of `host` must be set. Returns the exit status.
int run(std::vector<std::string> arguments, app::Host host, Printer& printer,
        const Terminal& terminal);

} // namespace cli
