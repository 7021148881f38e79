#include "cli/driver_command.hpp"

#include "app/driver_trial.hpp"
#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/say.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace cli {

struct DriverCommand::Options {
  CLI::App* test = nullptr;
  bool is_runtime = false;
  bool is_store = false;
  std::vector<std::string> words;
  std::string folder;
  std::vector<std::string> releases;
  std::string change;
  std::string look;
  std::string timeout = "30s";
};

namespace {

std::string text_of(const app::Promise& promise) {
  if (promise.is_kept)
    return "kept    " + promise.text + "\n";
  return "BROKEN  " + promise.text + ": " + base::printable(promise.why) + "\n";
}

} // namespace

DriverCommand::DriverCommand() : options_{std::make_unique<Options>()} {}
DriverCommand::~DriverCommand() = default;

void DriverCommand::add_to(CLI::App& root) {
  CLI::App* driver = root.add_subcommand("driver", "for those who write a driver of their own");
  driver->require_subcommand(1);
  driver->fallthrough();
  CLI::App* test = driver->add_subcommand(
      "test", "drive a program through every promise of the driver protocol");
  options_->test = test;
  test->footer(
      "It works in a scratch folder with two releases in ./dist and some files in ./data.\n"
      "A driver for something else: name a folder of yours with --in, two releases that it\n"
      "can prepare with --release, or programs that change and print the data.\n"
      "Exit status: 0 every promise is kept, 1 one is broken.\n"
      "Examples:\n"
      "  belay driver test ./mine\n"
      "  belay driver test --runtime --in ./try --release 1.0 --release 2.0 ./mine\n"
      "  belay driver test --store --in ./try --change ./write --look ./dump ./mine");
  auto* runtime = test->add_flag("--runtime", options_->is_runtime, "it must be for a service");
  test->add_flag("--store", options_->is_store, "it must be for a store")->excludes(runtime);
  test->add_option("--in", options_->folder, "the folder in which it runs");
  test->add_option("--release", options_->releases, "a release that it can prepare; give two")
      ->allow_extra_args(false);
  test->add_option("--change", options_->change, "a program that changes the data");
  test->add_option("--look", options_->look, "a program that prints the data");
  test->add_option("--timeout", options_->timeout, "for one request")->capture_default_str();
  test->add_option("DRIVER", options_->words, "the program, and the words that it gets")
      ->required();
}

std::optional<int> DriverCommand::run(const app::Host& host, const Terminal& terminal,
                                      bool is_json) const {
  if (!options_->test->parsed())
    return std::nullopt;
  const auto timeout = base::parse_duration(options_->timeout);
  if (!timeout)
    return fail(terminal, timeout.error(), exit_usage, is_json);
  const auto program = [&](const std::string& word) {
    return word.contains('/') ? base::absolute_path(word, terminal.working_folder) : word;
  };
  app::TrialOptions trial;
  trial.argv = options_->words;
  trial.argv.front() = program(trial.argv.front());
  trial.kind = options_->is_runtime ? "runtime" : options_->is_store ? "store" : "";
  if (!options_->folder.empty())
    trial.folder = base::absolute_path(options_->folder, terminal.working_folder);
  trial.labels = options_->releases;
  trial.change = program(options_->change);
  trial.look = program(options_->look);
  trial.timeout = timeout.value();
  const auto tried = app::try_driver(host, trial, [&](const app::Promise& promise) {
    print(terminal, is_json ? line_of({{"event", "promise"},
                                       {"promise", promise.text},
                                       {"kept", promise.is_kept},
                                       {"why", promise.why}})
                            : text_of(promise));
  });
  if (!tried)
    return fail(terminal, tried.error(),
                tried.error().kind == base::ErrorKind::invalid_input ? exit_usage : exit_failed,
                is_json);
  const app::Tried& result = tried.value();
  if (is_json)
    print(terminal,
          line_of({{"event", "tried"}, {"kept", result.kept}, {"broken", result.broken}}));
  else
    print(terminal, std::to_string(result.kept) + " promises kept, " +
                        std::to_string(result.broken) + " broken" +
                        (result.scratch.empty() ? "" : "; look at " + result.scratch) + "\n");
  return result.broken == 0 ? exit_done : exit_failed;
}

} // namespace cli
