#include "cli/rehearse_command.hpp"

#include "app/rehearse.hpp"
#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/repo_say.hpp"
#include "cli/say.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace cli {

struct RehearseCommand::Options {
  CLI::App* app = nullptr;
  std::string stack;
  std::string to;
};

namespace {

nlohmann::json object_of(const engine::Rehearsed& done) {
  nlohmann::json stores = nlohmann::json::array();
  for (const state::RehearsedStore& store : done.record.stores)
    stores.push_back({{"store", store.store},
                      {"files", store.files},
                      {"bytes", store.bytes},
                      {"copied_ms", store.copied_ms},
                      {"ran_ms", store.ran_ms}});
  return {{"event", "rehearsed"},       {"to", done.record.to}, {"passed", done.failure.empty()},
          {"failure", done.failure},    {"lines", done.lines},  {"untold", done.untold},
          {"stores", std::move(stores)}};
}

} // namespace

RehearseCommand::~RehearseCommand() = default;

RehearseCommand::RehearseCommand(CLI::App& root) : options_{std::make_unique<Options>()} {
  CLI::App* rehearse = root.add_subcommand(
      "rehearse", "run the SQL files of an upgrade on a copy of the data; stops nothing");
  options_->app = rehearse;
  rehearse->fallthrough();
  rehearse->footer("What the files take there is what 'belay plan' predicts.\n"
                   "Examples:\n"
                   "  belay rehearse --to 4.1.2\n"
                   "  belay rehearse orders --to 4.1.2 --json");
  rehearse->add_option("STACK", options_->stack,
                       "name of the stack; the one of belay.yaml if left out");
  rehearse->add_option("--to", options_->to, "label of the release")->required();
}

std::optional<int> RehearseCommand::run(const app::Host& host, const Terminal& terminal,
                                        bool is_json) const {
  if (!options_->app->parsed())
    return std::nullopt;
  const auto done = app::rehearse(host, options_->stack, options_->to);
  if (!done)
    return fail(terminal, done.error(), status_of(done.error(), false), is_json);
  const engine::Rehearsed& all = done.value();
  std::string text;
  for (const std::string& line : all.lines)
    text += base::printable(line) + "\n";
  for (const std::string& line : all.untold)
    text += base::printable(line) + "\n";
  if (text.empty())
    text = "no migration is pending\n";
  print(terminal, is_json ? line_of(object_of(all)) : text);
  if (all.failure.empty())
    return exit_done;
  return fail(terminal,
              {base::ErrorKind::failed, "on a copy of the data it fails: " + all.failure,
               "Nothing was changed. Correct the file, and rehearse again."},
              exit_failed, is_json);
}

} // namespace cli
