#include "cli/migrations_command.hpp"

#include "app/migrations.hpp"
#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/repo_say.hpp"
#include "cli/say.hpp"

#include <nlohmann/json.hpp>

namespace cli {

namespace {

nlohmann::json object_of(const domain::MigrationFile& file, bool is_pending) {
  nlohmann::json object{{"name", file.name},
                        {"sha256", file.sha256},
                        {"pending", is_pending},
                        {"class", domain::name_of(file.kind)},
                        {"compatible", file.is_compatible}};
  if (!file.verdict.empty())
    object["verdict"] = file.verdict;
  for (const domain::MigrationStep& step : file.steps)
    object["steps"].push_back({{"line", step.line},
                               {"does", step.does},
                               {"verdict", step.kind},
                               {"rule", step.rule},
                               {"why", step.why}});
  return object;
}

nlohmann::json object_of(const app::MigrationFolder& folder) {
  nlohmann::json files = nlohmann::json::array();
  for (const auto& file : folder.state.applied)
    files.push_back(object_of(file, false));
  for (const auto& file : folder.state.pending)
    files.push_back(object_of(file, true));
  return {{"store", folder.store},
          {"folder", folder.folder},
          {"files", std::move(files)},
          {"problems", folder.state.problems}};
}

std::string text_of(const domain::MigrationFile& file) {
  std::string text = "  pending  " + base::printable(file.name) + "  " +
                     std::string{domain::name_of(file.kind)} +
                     (file.is_compatible ? ", compatible" : "") +
                     (file.verdict.empty() ? "" : "; its statements: " + file.verdict) + "\n";
  for (const domain::MigrationStep& step : file.steps)
    text += "           line " + std::to_string(step.line) + ": " + base::printable(step.does) +
            "\n             " + step.kind + " (" + step.rule + "): " + step.why + "\n";
  return text;
}

std::string text_of(const app::MigrationFolder& folder) {
  std::string text = folder.store + ": " + base::printable(folder.folder) + "\n";
  for (const auto& file : folder.state.applied)
    text += "  applied  " + base::printable(file.name) + "\n";
  for (const auto& file : folder.state.pending)
    text += text_of(file);
  for (const std::string& problem : folder.state.problems)
    text += "  BLOCKED  " + base::printable(problem) + "\n";
  return text;
}

} // namespace

int migrations(const app::Host& host, const Terminal& terminal, const Options& options) {
  const bool is_json = options.is_json;
  const auto view = app::migrations(host, options.stack, options.to);
  if (!view)
    return fail(terminal, view.error(), status_of(view.error(), false), is_json);
  std::string text;
  bool is_blocked = false;
  for (const app::MigrationFolder& folder : view.value().folders) {
    text += is_json ? line_of(object_of(folder)) : text_of(folder);
    is_blocked = is_blocked || !folder.state.problems.empty();
  }
  for (const std::string& line : view.value().untold)
    text +=
        is_json ? line_of({{"event", "untold"}, {"message", line}}) : base::printable(line) + "\n";
  if (text.empty())
    text = is_json ? "" : "no migrations are configured\n";
  print(terminal, text);
  return is_blocked ? exit_blocked : exit_done;
}

} // namespace cli
