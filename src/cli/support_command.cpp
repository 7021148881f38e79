#include "cli/support_command.hpp"

#include "app/support.hpp"
#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/render.hpp"
#include "cli/say.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace cli {

struct SupportCommand::Options {
  CLI::App* app = nullptr;
  std::string operation;
  std::string output;
};

namespace {

app::PackedFile status_file(const app::Host& host) {
  const auto status = app::status(host);
  return {"status.json",
          status ? status_json(status.value()) : line_of({{"error", status.error().message}})};
}

} // namespace

SupportCommand::~SupportCommand() = default;

SupportCommand::SupportCommand(CLI::App& root) : options_{std::make_unique<Options>()} {
  CLI::App* support = root.add_subcommand(
      "support", "all that is known of an operation as one archive, without the secrets");
  options_->app = support;
  support->fallthrough();
  support->footer(
      "It holds report, plan, journal, configuration, status and the ends of the logs.\n"
      "It never replaces a file. Look through it before you give it away.\n"
      "Examples:\n"
      "  belay support\n"
      "  belay support OPERATION --output /tmp/for-you.tar.gz");
  support->add_option("OPERATION", options_->operation, "its id; the newest if left out");
  support->add_option("-o,--output", options_->output,
                      "the new file; belay-support-OPERATION.tar.gz if left out");
}

std::optional<int> SupportCommand::run(const app::Host& host, const Terminal& terminal,
                                       bool is_json) const {
  if (!options_->app->parsed())
    return std::nullopt;
  app::SupportRequest request;
  request.operation = options_->operation;
  request.folder = terminal.working_folder;
  if (!options_->output.empty())
    request.output = base::absolute_path(options_->output, terminal.working_folder);
  request.more = {status_file(host), {"versions.txt", "belay " + terminal.version + "\n"}};
  const auto made = app::make_support(host, request);
  if (!made)
    return fail(terminal, made.error(), status_of(made.error(), false), is_json);
  const app::SupportBundle& bundle = made.value();
  if (is_json) {
    print(terminal, line_of({{"event", "support"},
                             {"path", bundle.path},
                             {"files", bundle.files},
                             {"missing", bundle.missing},
                             {"redactions", bundle.redactions}}));
    return exit_done;
  }
  for (const std::string& missing : bundle.missing)
    print(terminal, "not in it: " + base::printable(missing) + "\n");
  print(terminal, "wrote " + bundle.path + ": " + std::to_string(bundle.files.size()) +
                      " files, secrets redacted at " + std::to_string(bundle.redactions) +
                      " places\nLook through it before you give it away.\n");
  return exit_done;
}

} // namespace cli
