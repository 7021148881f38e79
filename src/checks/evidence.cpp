// Evidence: what people vouch for, the window, and how large a step the upgrade is.
#include "base/text.hpp"
#include "checks/look.hpp"
#include "checks/semver.hpp"

#include <algorithm>
#include <array>

namespace checks {

namespace {

using domain::UpgradeClass;

constexpr const char* evidence = "evidence";
constexpr const char* notes = "release-notes";
constexpr const char* window = "window";

const std::string* given(const Look& look, const std::string& name) {
  const auto found = std::ranges::find(look.request.evidence, name, &domain::GivenEvidence::name);
  return found == look.request.evidence.end() ? nullptr : &found->value;
}

UpgradeClass upgrade_class(const Look& look) {
  return look.request.label_from.empty() ? UpgradeClass::unknown
                                         : class_between(look.request.label_from, look.request.to);
}

std::string how_to_give(const domain::EvidenceSpec& spec) {
  const std::string form = spec.max_age.count() > 0 ? "DATE..." : "VALUE";
  return spec.file.empty() ? "give it with --evidence " + spec.name + "=" + form
                           : "write it as the first line of '" + spec.file +
                                 "', or give it with --evidence " + spec.name + "=" + form;
}

// "2026-11-20" or "2026-11-20T10:00:00Z" at its begin.
std::optional<world::TimePoint> date_in(const std::string& value) {
  const auto end = std::min(value.find_first_of(" \t,;"), value.size());
  const std::string word = value.substr(0, end);
  for (const char* rest : {"", "T00:00:00.000Z"})
    if (const auto time = base::parse_time(word + rest))
      return time.value();
  if (word.size() == 20 && word.ends_with('Z')) // without milliseconds
    if (const auto time = base::parse_time(word.substr(0, 19) + ".000Z"))
      return time.value();
  return std::nullopt;
}

// What is wrong with a value; "" when it is good.
std::string problem_of(const Look& look, const domain::EvidenceSpec& spec,
                       const std::string& value) {
  if (value.empty())
    return "is empty";
  const std::string wanted = base::fill(spec.wanted, {{"to", look.request.to}});
  if (!value.contains(wanted))
    return "does not hold '" + wanted + "'";
  if (spec.max_age.count() == 0)
    return "";
  const auto date = date_in(value);
  if (!date)
    return "does not begin with a date (2026-11-20, or RFC 3339)";
  const auto age =
      std::chrono::duration_cast<std::chrono::milliseconds>(look.world.clock.now() - *date);
  if (age < -std::chrono::days{1})
    return "is from the future";
  if (age > spec.max_age)
    return "is " + base::format_duration(age) + " old, older than " +
           base::format_duration(spec.max_age);
  return "";
}

void look_at_value(const Look& look, const domain::EvidenceSpec& spec) {
  const std::string name = "'" + spec.name + "' ";
  const std::string* by_hand = given(look, spec.name);
  std::string value = by_hand == nullptr ? "" : *by_hand;
  if (by_hand == nullptr && !spec.file.empty())
    if (const auto text = look.world.files.read_start(spec.file, 4096))
      value = text.value().substr(0, text.value().find('\n'));
  if (value.ends_with('\r'))
    value.pop_back();
  if (by_hand == nullptr && value.empty())
    return look.block(evidence, name + "is missing: " + how_to_give(spec));
  if (const std::string problem = problem_of(look, spec, value); !problem.empty())
    return look.block(evidence, name + problem + ": " + how_to_give(spec));
  look.ok(evidence, name + "is " + base::printable(value) +
                        (by_hand == nullptr ? " (from '" + spec.file + "')" : " (given by hand)"));
}

bool is_in(const domain::WindowSpec& spec, int weekday, int minute) {
  const auto has_day = [&](int day) {
    return spec.weekdays.empty() || std::ranges::find(spec.weekdays, day) != spec.weekdays.end();
  };
  if (spec.from_minute < spec.to_minute)
    return has_day(weekday) && minute >= spec.from_minute && minute < spec.to_minute;
  // Over midnight: the day is that of its begin.
  return (has_day(weekday) && minute >= spec.from_minute) ||
         (has_day((weekday + 6) % 7) && minute < spec.to_minute);
}

std::string clock_text(int minute) {
  const auto two = [](int number) { return (number < 10 ? "0" : "") + std::to_string(number); };
  return two(minute / 60) + ":" + two(minute % 60);
}

std::string window_text(const domain::WindowSpec& spec) {
  constexpr std::array names{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
  std::vector<std::string> days;
  for (const int day : spec.weekdays)
    days.emplace_back(names.at(static_cast<std::size_t>(day)));
  return (days.empty() ? "every day" : base::join(days, ", ")) + " from " +
         clock_text(spec.from_minute) + " to " + clock_text(spec.to_minute) + " UTC";
}

} // namespace

void look_at_evidence(const Look& look) {
  if (look.request.to.empty())
    return;
  const UpgradeClass upgrade = upgrade_class(look);
  for (const domain::EvidenceSpec& spec : look.stack.preflight.evidence)
    if (upgrade >= spec.from) // one that is no version may be the largest
      look_at_value(look, spec);
}

void look_at_release_notes(const Look& look) {
  if (look.request.to.empty() || look.request.label_from.empty())
    return;
  const std::string& from = look.request.label_from;
  const UpgradeClass upgrade = class_between(from, look.request.to);
  const std::string step = "'" + from + "' to '" + look.request.to + "' is ";
  if (upgrade == UpgradeClass::patch)
    return look.ok(notes, step + "a patch: nothing need be acknowledged");
  const std::string size = upgrade == UpgradeClass::unknown
                               ? "a step whose size the labels do not tell"
                               : "a " + std::string{name_of(upgrade)} + " step";
  if (given(look, notes) != nullptr)
    return look.ok(notes, step + size + ", its release notes are acknowledged");
  const std::string answer =
      step + size + ": read its release notes, then say so with --ack release-notes";
  if (upgrade == UpgradeClass::minor)
    look.warn(notes, answer);
  else
    look.block(notes, answer);
}

void look_at_window(const Look& look) {
  const auto& windows = look.stack.preflight.windows;
  if (windows.empty())
    return;
  const auto now = look.world.clock.now();
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const int weekday = static_cast<int>(std::chrono::weekday{day}.c_encoding());
  const int minute = static_cast<int>(std::chrono::floor<std::chrono::minutes>(now - day).count());
  std::vector<std::string> all;
  for (const domain::WindowSpec& spec : windows) {
    if (is_in(spec, weekday, minute))
      return look.ok(window, "it is within the window " + window_text(spec));
    all.push_back(window_text(spec));
  }
  const std::string said =
      "it is " + base::format_time(now) + ", outside of the window (" + base::join(all, "; ") + ")";
  if (const std::string* why = given(look, window))
    return look.warn(window, said + ", which was passed over: " + base::printable(*why));
  look.block(window, said + ": wait for it, or say --ack window when it cannot wait");
}

} // namespace checks
