#include "app/km_settings.hpp"

#include "base/text.hpp"
#include "schedule/cron.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace app {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

constexpr const char* km_enabled = "KM_BACKUP_ENABLED";
constexpr std::array km_others{"KM_BACKUP_INTERVAL_MINUTES", "KM_BACKUP_CRON",
                               "KM_BACKUP_RETENTION_LIMIT", "KM_BACKUP_DEST_PATH",
                               "KM_BACKUP_SCRIPT"};
constexpr const char* state_folder_default = "/opt/knowledge/var"; // as its container has it
constexpr std::uint64_t interval_default = 720;
constexpr std::uint64_t interval_max = 527'040; // a year
constexpr std::uint64_t keep_default = 7;
constexpr std::uint64_t keep_max = 1'000'000;

std::string km_trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos)
    return "";
  return std::string{text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1)};
}

std::string km_value_of(const config::Environment& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : km_trimmed(found->second);
}

Result<std::uint64_t> km_number_of(const config::Environment& environment, const char* name,
                                   std::uint64_t otherwise, std::uint64_t least,
                                   std::uint64_t most) {
  const std::string text = km_value_of(environment, name);
  if (text.empty())
    return otherwise;
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || end != text.data() + text.size() || number < least || number > most)
    return Error{ErrorKind::invalid_input,
                 std::string{name} + " is '" + base::printable(text) + "', not a number from " +
                     std::to_string(least) + " to " + std::to_string(most),
                 "Correct it, or leave it out: then it is " + std::to_string(otherwise) + "."};
  return number;
}

std::string km_path_of(const config::Environment& environment, const char* name,
                       const std::string& otherwise, const std::string& folder) {
  const std::string text = km_value_of(environment, name);
  return base::absolute_path(text.empty() ? otherwise : text, folder);
}

Result<domain::TimingSpec> km_timing_of(const config::Environment& environment) {
  domain::TimingSpec timing;
  timing.cron = km_value_of(environment, "KM_BACKUP_CRON");
  if (timing.cron.empty()) {
    timing.every = std::chrono::minutes{TRY(km_number_of(environment, "KM_BACKUP_INTERVAL_MINUTES",
                                                         interval_default, 1, interval_max))};
    return timing;
  }
  const auto cron = schedule::parse_cron(timing.cron);
  if (!cron)
    return Error{ErrorKind::invalid_input, "KM_BACKUP_CRON: " + cron.error().message,
                 cron.error().hint.empty() ? "Write five fields, as \"0 2 * * *\"; they are in UTC."
                                           : cron.error().hint};
  return timing;
}

} // namespace

Result<std::optional<bool>> km_is_enabled(const config::Environment& environment) {
  std::string text = km_value_of(environment, km_enabled);
  const bool is_mentioned = !text.empty() || std::ranges::any_of(km_others, [&](const char* name) {
    return !km_value_of(environment, name).empty();
  });
  if (!is_mentioned)
    return std::optional<bool>{};
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  constexpr std::array yes{"true", "1", "yes", "on", "t", "y"};
  constexpr std::array no{"", "false", "0", "no", "off", "f", "n"};
  if (std::ranges::find(yes, text) != yes.end())
    return std::optional{true};
  if (std::ranges::find(no, text) != no.end())
    return std::optional{false};
  return Error{ErrorKind::invalid_input,
               std::string{km_enabled} + " is '" + base::printable(text) + "'",
               "Write true or false."};
}

Result<KmSettings> km_settings(const config::Environment& environment, const std::string& folder) {
  KmSettings settings;
  settings.folder = folder;
  settings.timing = TRY(km_timing_of(environment));
  settings.keep =
      TRY(km_number_of(environment, "KM_BACKUP_RETENTION_LIMIT", keep_default, 0, keep_max));
  settings.source = km_path_of(environment, "KM_STATE_PATH", state_folder_default, folder);
  settings.destination =
      km_path_of(environment, "KM_BACKUP_DEST_PATH", settings.source + "/backups/archives", folder);
  if (!km_value_of(environment, "KM_BACKUP_SCRIPT").empty())
    settings.script = km_path_of(environment, "KM_BACKUP_SCRIPT", "", folder);
  if (settings.source == "/" || settings.destination == "/")
    return Error{ErrorKind::invalid_input,
                 "KM_STATE_PATH and KM_BACKUP_DEST_PATH are folders below /",
                 "Name the folder of the state, and one for its archives."};
  if (base::is_inside(settings.source, settings.destination) &&
      base::is_inside(settings.destination, settings.source))
    return Error{ErrorKind::invalid_input,
                 "KM_BACKUP_DEST_PATH is the folder of the state itself, '" + settings.source + "'",
                 "Name another folder; one below it is left out of the archives."};
  return settings;
}

std::string km_state_folder(const KmSettings& settings) {
  return settings.destination + "/.belay";
}

} // namespace app
