#include "schedule/cron.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <vector>

#include <date/tz.h>

namespace schedule {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

struct Bounds {
  const char* name;
  int low;
  int high;
  std::string_view words; // names of the values from `low` on, three letters each
};

constexpr std::array<Bounds, 5> fields{{
    {"minute", 0, 59, ""},
    {"hour", 0, 23, ""},
    {"day of the month", 1, 31, ""},
    {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {"day of the week", 0, 7, "sunmontuewedthufrisat"},
}};

struct Nickname {
  std::string_view name;
  std::string_view fields;
};
constexpr std::array<Nickname, 7> nicknames{{{"@hourly", "0 * * * *"},
                                             {"@daily", "0 0 * * *"},
                                             {"@midnight", "0 0 * * *"},
                                             {"@weekly", "0 0 * * 0"},
                                             {"@monthly", "0 0 1 * *"},
                                             {"@yearly", "0 0 1 1 *"},
                                             {"@annually", "0 0 1 1 *"}}};

Error wrong(const Bounds& bounds, std::string_view text, const std::string& why) {
  return {ErrorKind::invalid_input,
          "the " + std::string{bounds.name} + " '" + base::printable(text) + "' " + why,
          "Five fields: minute, hour, day of the month, month, day of the week; '0 2 * * *' is "
          "every night at two."};
}

std::optional<int> number_of(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

Result<int> value_of(const Bounds& bounds, std::string_view text) {
  if (text.size() == 3 && !bounds.words.empty()) {
    std::string lower{text};
    std::ranges::transform(lower, lower.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    for (std::size_t at = 0; at < bounds.words.size(); at += 3)
      if (bounds.words.substr(at, 3) == lower)
        return bounds.low + static_cast<int>(at / 3);
  }
  const auto number = number_of(text);
  if (!number)
    return wrong(bounds, text, "is no number");
  if (*number < bounds.low || *number > bounds.high)
    return wrong(bounds, text,
                 "is not between " + std::to_string(bounds.low) + " and " +
                     std::to_string(bounds.high));
  return *number;
}

// "*", "5", "1-5", each with "/2" behind it where there is a range.
Result<> add_part(const Bounds& bounds, std::string_view part, Field& field) {
  const auto slash = part.find('/');
  const std::string_view range = part.substr(0, slash);
  int step = 1;
  if (slash != std::string_view::npos) {
    const auto number = number_of(part.substr(slash + 1));
    if (!number || *number < 1 || *number > bounds.high)
      return wrong(bounds, part, "has no step of 1 to " + std::to_string(bounds.high));
    step = *number;
  }
  int from = bounds.low;
  int to = bounds.high;
  if (range != "*") {
    const auto dash = range.find('-');
    from = TRY(value_of(bounds, range.substr(0, dash)));
    to = dash == std::string_view::npos ? from : TRY(value_of(bounds, range.substr(dash + 1)));
    if (dash == std::string_view::npos && slash != std::string_view::npos)
      return wrong(bounds, part,
                   "has a step, but no range: write '" + std::string{range} + "-" +
                       std::to_string(bounds.high) + "/" + std::to_string(step) + "'");
    if (to < from)
      return wrong(bounds, part, "runs backwards");
  }
  for (int value = from; value <= to; value += step)
    field.values.set(static_cast<std::size_t>(value));
  return ok();
}

Result<Field> parse_field(const Bounds& bounds, std::string_view text) {
  Field field;
  field.is_star = text.starts_with('*');
  for (const std::string& part : base::split(text, ','))
    TRY(add_part(bounds, part, field));
  return field;
}

const date::time_zone* zone_named(const std::string& zone) {
  try {
    return date::locate_zone(zone);
  } catch (const std::runtime_error&) { // no such zone, or no database
    return nullptr;
  }
}

bool is_day(const Cron& cron, date::local_days day) {
  const date::year_month_day date{day};
  const bool is_date = cron.day.values.test(static_cast<unsigned>(date.day()));
  const bool is_weekday = cron.weekday.values.test(date::weekday{day}.c_encoding());
  if (!cron.month.values.test(static_cast<unsigned>(date.month())))
    return false;
  return cron.day.is_star || cron.weekday.is_star ? is_date && is_weekday : is_date || is_weekday;
}

// The moments at which a clock on the wall shows `local`: one, or none or two when clocks change.
void add_moments(const Cron& cron, const date::time_zone& zone, date::local_seconds local,
                 std::vector<date::sys_seconds>& to) {
  const date::local_info info = zone.get_info(local);
  if (info.result == date::local_info::nonexistent) {
    if (!cron.hour.is_star)
      to.push_back(std::chrono::time_point_cast<std::chrono::seconds>(info.first.end));
    return;
  }
  to.push_back(date::sys_seconds{local.time_since_epoch() - info.first.offset});
  if (info.result == date::local_info::ambiguous && cron.hour.is_star)
    to.push_back(date::sys_seconds{local.time_since_epoch() - info.second.offset});
}

std::vector<date::sys_seconds> moments_of(const Cron& cron, const date::time_zone& zone,
                                          date::local_days day) {
  std::vector<date::sys_seconds> moments;
  if (is_day(cron, day))
    for (unsigned hour = 0; hour < 24; ++hour)
      for (unsigned minute = 0; cron.hour.values.test(hour) && minute < 60; ++minute)
        if (cron.minute.values.test(minute))
          add_moments(cron, zone, day + std::chrono::hours{hour} + std::chrono::minutes{minute},
                      moments);
  return moments;
}

// Leap days are eight years apart around 2100.
constexpr int days_max = 366 * 8 + 2;

} // namespace

Result<Cron> parse_cron(std::string_view text) {
  for (const Nickname& nickname : nicknames)
    if (text == nickname.name)
      text = nickname.fields;
  std::vector<std::string> words;
  for (const std::string& word : base::split(text, ' '))
    if (!word.empty())
      words.push_back(word);
  if (words.size() != fields.size())
    return Error{ErrorKind::invalid_input,
                 "'" + base::printable(text) + "' has " +
                     base::plural(words.size(), "field", "fields") + " of five",
                 "Minute, hour, day of the month, month, day of the week: '0 2 * * *' is every "
                 "night at two. Or @hourly, @daily, @weekly, @monthly, @yearly."};
  Cron cron;
  const std::array<Field*, 5> to{&cron.minute, &cron.hour, &cron.day, &cron.month, &cron.weekday};
  for (std::size_t i = 0; i < fields.size(); ++i)
    *to[i] = TRY(parse_field(fields[i], words[i]));
  if (cron.weekday.values.test(7))
    cron.weekday.values.set(0);
  cron.weekday.values.reset(7);
  return cron;
}

Result<> check_zone(const std::string& zone) {
  if (zone_named(zone) != nullptr)
    return ok();
  return Error{
      ErrorKind::invalid_input, "there is no time zone '" + base::printable(zone) + "'",
      "Name one of the system, as 'Europe/Berlin' ('timedatectl list-timezones'), or UTC."};
}

std::optional<world::TimePoint> next_time(const Cron& cron, const std::string& zone,
                                          world::TimePoint after) {
  const date::time_zone* found = zone_named(zone);
  CHECK(found != nullptr);
  const auto from = std::chrono::floor<std::chrono::seconds>(after);
  const auto today = date::floor<date::days>(found->to_local(from));
  // From the day before: clocks may go back over midnight.
  for (int day = -1; day <= days_max; ++day) {
    auto moments = moments_of(cron, *found, today + date::days{day});
    std::erase_if(moments, [&](date::sys_seconds moment) { return moment <= from; });
    if (const auto first = std::ranges::min_element(moments); first != moments.end())
      return world::TimePoint{*first};
  }
  return std::nullopt;
}

std::optional<world::TimePoint> last_time(const Cron& cron, const std::string& zone,
                                          world::TimePoint after, world::TimePoint now) {
  const date::time_zone* found = zone_named(zone);
  CHECK(found != nullptr);
  const auto from = std::chrono::floor<std::chrono::seconds>(after);
  const auto to = std::chrono::floor<std::chrono::seconds>(now);
  const auto today = date::floor<date::days>(found->to_local(to));
  const auto first_day = date::floor<date::days>(found->to_local(from)) - date::days{1};
  for (int day = 1; day >= -days_max && today + date::days{day} >= first_day; --day) {
    auto moments = moments_of(cron, *found, today + date::days{day});
    std::erase_if(moments, [&](date::sys_seconds moment) { return moment <= from || moment > to; });
    if (const auto last = std::ranges::max_element(moments); last != moments.end())
      return world::TimePoint{*last};
  }
  return std::nullopt;
}

} // namespace schedule
