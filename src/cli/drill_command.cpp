#include "cli/drill_command.hpp"

#include "app/drill.hpp"
#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/progress.hpp"
#include "cli/repo_say.hpp"
#include "cli/say.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace cli {

struct DrillCommand::Options {
  CLI::App* app = nullptr;
  std::string stack;
  std::string point;
  bool is_second_place = false;
};

namespace {

nlohmann::json object_of(const app::Drilled& done) {
  nlohmann::json stores = nlohmann::json::array();
  for (const app::DrilledStore& store : done.stores)
    stores.push_back({{"store", store.name},
                      {"files", store.files},
                      {"bytes", store.bytes},
                      {"brought_ms", store.brought.count()},
                      {"proved_ms", store.proved.count()},
                      {"left_out", store.left_out}});
  return {{"event", "drilled"},          {"point", done.point.id},
          {"repository", done.location}, {"took_ms", done.took.count()},
          {"whole", done.is_whole()},    {"config_files", done.config_files},
          {"stores", std::move(stores)}};
}

std::string text_of(const app::Drilled& done) {
  std::string text;
  std::uint64_t bytes = 0;
  for (const app::DrilledStore& store : done.stores) {
    bytes += store.bytes;
    const std::string name = "store '" + base::printable(store.name) + "' ";
    text += store.left_out.empty() ? name + "came back: " + base::format_bytes(store.bytes) +
                                         " in " + base::format_duration(store.brought) +
                                         ", proved in " + base::format_duration(store.proved) + "\n"
                                   : name + "was not tried: " + store.left_out + "\n";
  }
  if (done.config_files > 0)
    text += base::plural(done.config_files, "config file is", "config files are") +
            " as it was taken\n";
  return text + "restore point " + done.point.id + " of generation " +
         std::to_string(done.point.generation) + " comes back from '" + done.location +
         "': " + base::format_bytes(bytes) + " in " + base::format_duration(done.took) +
         (done.is_whole() ? "" : ", but for what was not tried") + "; nothing was changed\n";
}

base::Result<app::Drilled> drill_and_tell(const app::Host& host, const Terminal& terminal,
                                          bool is_json, app::DrillRequest request,
                                          app::Trouble& trouble) {
  const app::RepoPorts ports{*terminal.folders, *terminal.machine, *terminal.channels};
  Progress progress{terminal, host.world.clock, is_json};
  request.notice = [&](const std::string& text) {
    const auto held = progress.pause();
    say(terminal, {base::ErrorKind::failed, text, ""});
  };
  request.tell = [&](const app::Doing& doing) { progress.at(doing); };
  request.traffic = &progress.traffic();
  return app::drill(host, ports, request, trouble);
}

} // namespace

DrillCommand::~DrillCommand() = default;

DrillCommand::DrillCommand(CLI::App& root) : options_{std::make_unique<Options>()} {
  CLI::App* drill = root.add_subcommand(
      "drill", "bring a restore point back beside the data, prove and time it, remove it");
  options_->app = drill;
  drill->fallthrough();
  drill->footer("Services go on; what is live is not touched. It takes the room of a copy.\n"
                "Examples:\n"
                "  belay drill\n"
                "  belay drill orders --point p-20261114T210500Z-1f2e3d4c --copy");
  drill->add_option("STACK", options_->stack,
                    "name of the stack; the one of belay.yaml if left out");
  drill->add_option("--point", options_->point, "id of a restore point; the newest if left out");
  drill->add_flag("--copy", options_->is_second_place, "bring it from the second place");
}

std::optional<int> DrillCommand::run(const app::Host& host, const Terminal& terminal,
                                     bool is_json) const {
  if (!options_->app->parsed())
    return std::nullopt;
  auto trouble = app::Trouble::none;
  const auto done =
      drill_and_tell(host, terminal, is_json,
                     {.stack = options_->stack,
                      .point = options_->point,
                      .where = options_->is_second_place ? app::Where::copy : app::Where::first,
                      .notice = {},
                      .tell = {}},
                     trouble);
  if (!done) {
    int status = status_of(done.error(), false);
    if (trouble == app::Trouble::no_repository)
      status = exit_no_repository;
    if (trouble == app::Trouble::wrong_password)
      status = exit_wrong_password;
    return fail(terminal, done.error(), status, is_json);
  }
  print(terminal, is_json ? line_of(object_of(done.value())) : text_of(done.value()));
  return exit_done;
}

} // namespace cli
