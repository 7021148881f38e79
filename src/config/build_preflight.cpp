// Build, the part for the checks before an upgrade.
#include "base/text.hpp"
#include "config/build.hpp"
#include "config/expand.hpp"
#include "config/options_examine.hpp"
#include "config/scalars.hpp"

#include <algorithm>
#include <array>

namespace config {
namespace {

constexpr std::size_t hold_with_min = 3;

std::vector<std::string> words_of(const Value& section, std::string_view key) {
  const Value* found = section.find(key);
  return found == nullptr ? std::vector<std::string>{} : found->words;
}

domain::LicenseSpec build_license(const Building& building, const Value& item) {
  domain::LicenseSpec spec;
  spec.name = item.at("name").text;
  if (const Value* token = item.find("token"))
    spec.token = secret_of(token->text);
  if (const Value* variable = item.find("variable")) {
    spec.variable = variable->text;
    if (!is_variable_name(spec.variable))
      building.problems.add(variable->mark, quoted(spec.variable) + " is no name of a variable",
                            "Write the name alone, without '$'.");
  }
  spec.claims = words_of(item, "claims");
  spec.margin = item.at("margin").duration;
  spec.warn = item.at("warn").duration;
  return spec;
}

// "22:30" in minutes of the day; a problem when it is none.
int minute_of(const Building& building, const Value& value) {
  const std::string& text = value.text;
  const auto digit = [&](std::size_t at) { return text[at] - '0'; };
  const bool is_form = text.size() == 5 && text[2] == ':' &&
                       std::ranges::all_of(text, [](char c) { return c >= '0' && c <= ':'; });
  const int minute = is_form ? (digit(0) * 10 + digit(1)) * 60 + digit(3) * 10 + digit(4) : -1;
  if (is_form && minute < 24 * 60 && digit(3) < 6 && text.find(':') == text.rfind(':'))
    return minute;
  building.problems.add(value.mark, quoted(text) + " is no time of the day",
                        "Write it in quotes, as \"22:30\", in UTC.");
  return 0;
}

domain::WindowSpec build_window(const Building& building, const Value& item) {
  constexpr std::array names{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
  domain::WindowSpec spec;
  for (const std::string& day : words_of(item, "days")) {
    const auto found = std::ranges::find(names, day);
    if (found == names.end())
      building.problems.add(item.at("days").mark, quoted(day) + " is no day",
                            "Days are mon, tue, wed, thu, fri, sat and sun.");
    else
      spec.weekdays.push_back(static_cast<int>(found - names.begin()));
  }
  spec.from_minute = minute_of(building, item.at("from"));
  spec.to_minute = minute_of(building, item.at("to"));
  return spec;
}

domain::EvidenceSpec build_evidence(const Value& item) {
  domain::EvidenceSpec spec;
  spec.name = item.at("name").text;
  const std::string& from = item.at("from").text;
  spec.from = from == "major"   ? domain::UpgradeClass::major
              : from == "minor" ? domain::UpgradeClass::minor
                                : domain::UpgradeClass::patch;
  spec.file = item.text_or_empty("file");
  spec.wanted = item.text_or_empty("wanted");
  spec.max_age = item.at("max_age").duration;
  return spec;
}

// Only where a dot in the name keeps cron away.
std::vector<std::string> build_hold(const Building& building, const Value& list) {
  for (const std::string& path : list.words)
    if (!base::name_of_path(base::parent_of(path)).starts_with("cron.") ||
        base::name_of_path(path).contains('.'))
      building.problems.add(list.mark, quoted(path) + " cannot be held",
                            "Only files that cron reads in a folder can, as /etc/cron.d/watchdog; "
                            "lines of a crontab by `hold_lines`.");
  return list.words;
}

domain::HoldLineSpec build_hold_line(const Building& building, const Value& item) {
  const Value& with = item.at("with");
  if (with.text.size() < hold_with_min || with.text.contains('\n'))
    building.problems.add(with.mark, quoted(with.text) + " tells no line from the others",
                          "Write a part of the line, as /opt/watchdog.sh.");
  return {item.at("crontab").text, with.text};
}

// What wakes others. A service would have to be stopped for good: that is for its own stack.
std::vector<std::string> build_hold_units(const Building& building, const Value& section) {
  std::vector<std::string> units = words_of(section, "hold_units");
  for (const std::string& unit : units)
    if (!is_unit(unit, ".timer") && !is_unit(unit, ".path"))
      building.problems.add(section.at("hold_units").mark, quoted(unit) + " cannot be held",
                            "Only timers and path units can, as refresh.timer.");
  return units;
}

} // namespace

domain::PreflightSpec build_preflight(const Building& building, const Value& section) {
  domain::PreflightSpec spec;
  spec.disk_margin_bytes = static_cast<std::uint64_t>(section.at("disk_margin").number);
  spec.memory_free_bytes = static_cast<std::uint64_t>(section.at("memory_free").number);
  spec.env_files = section.at("env_files").words;
  spec.examples = section.at("examples").words;
  spec.required = words_of(section, "required");
  spec.git = section.at("git").words;
  spec.backups = section.at("backups").words;
  spec.neighbours = section.at("neighbours").words;
  spec.hold = build_hold(building, section.at("hold"));
  for (const Value& item : section.at("hold_lines").items)
    spec.hold_lines.push_back(build_hold_line(building, item));
  spec.hold_units = build_hold_units(building, section);
  spec.hold_containers = words_of(section, "hold_containers");
  for (const Value& item : section.at("licenses").items)
    spec.licenses.push_back(build_license(building, item));
  for (const Value& item : section.at("windows").items)
    spec.windows.push_back(build_window(building, item));
  for (const Value& item : section.at("evidence").items)
    spec.evidence.push_back(build_evidence(item));
  for (const auto& [name, level] : section.at("levels").members)
    spec.levels[name] = level.text == "off"    ? domain::CheckLevel::off
                        : level.text == "warn" ? domain::CheckLevel::warn
                                               : domain::CheckLevel::block;
  return spec;
}

} // namespace config
