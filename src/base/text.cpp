#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <ctime>
#include <limits>
#include <numeric>

namespace base {
namespace {

using std::chrono::milliseconds;

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr std::array duration_units{Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000},
                                    Unit{"h", 3'600'000}, Unit{"d", 86'400'000}};
constexpr std::array size_units{Unit{"", 1},
                                Unit{"B", 1},
                                Unit{"KB", 1000},
                                Unit{"MB", 1000'000},
                                Unit{"GB", 1000'000'000},
                                Unit{"TB", 1000'000'000'000},
                                Unit{"KiB", 1ULL << 10U},
                                Unit{"MiB", 1ULL << 20U},
                                Unit{"GiB", 1ULL << 30U},
                                Unit{"TiB", 1ULL << 40U},
                                Unit{"K", 1ULL << 10U},
                                Unit{"M", 1ULL << 20U},
                                Unit{"G", 1ULL << 30U}};

std::string printed(const char* format, double value, std::string_view unit) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, value);
  return std::string{buffer.data()} + " " + std::string{unit};
}

// One "<digits><unit>" at the front of `text`, which is shortened; nullopt when there is none.
template <class Units>
std::optional<std::uint64_t> take_quantity(std::string_view& text, const Units& units) {
  std::uint64_t number = 0;
  std::size_t at = 0;
  while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0) {
    if (number > std::numeric_limits<std::uint64_t>::max() / 10 - 10)
      return std::nullopt;
    number = number * 10 + static_cast<std::uint64_t>(text[at++] - '0');
  }
  if (at == 0)
    return std::nullopt;
  std::size_t end = at;
  while (end < text.size() && std::isalpha(static_cast<unsigned char>(text[end])) != 0)
    ++end;
  const std::string_view name = text.substr(at, end - at);
  const auto unit = std::ranges::find(units, name, &Unit::name);
  if (unit == units.end() || number > std::numeric_limits<std::int64_t>::max() / unit->factor)
    return std::nullopt;
  text.remove_prefix(end);
  return number * unit->factor;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

// Length of the well-formed UTF-8 sequence at the front, 0 when it is broken.
std::size_t utf8_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  if (length == 0 || length > text.size())
    return 0;
  for (std::size_t at = 1; at < length; ++at)
    if ((static_cast<unsigned char>(text[at]) & 0xC0U) != 0x80U)
      return 0;
  return length;
}

std::tm utc(std::chrono::system_clock::time_point time) {
  const std::time_t seconds =
      std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return parts;
}

int milliseconds_of(std::chrono::system_clock::time_point time) {
  const auto since = time - std::chrono::floor<std::chrono::seconds>(time);
  return static_cast<int>(std::chrono::duration_cast<milliseconds>(since).count());
}

} // namespace

std::string format_bytes(std::uint64_t bytes) {
  if (bytes < 1024)
    return std::to_string(bytes) + " B";
  constexpr std::array<std::string_view, 5> units{"KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < units.size(); ++unit)
    value /= 1024;
  return printed("%.1f", value, units[unit]);
}

std::string format_duration(milliseconds duration) {
  const auto count = duration.count();
  if (count < 1000)
    return std::to_string(count) + " ms";
  if (count < 60'000)
    return printed("%.1f", static_cast<double>(count) / 1000, "s");
  const auto seconds = count / 1000;
  if (seconds < 3600)
    return std::to_string(seconds / 60) + " m " + std::to_string(seconds % 60) + " s";
  return std::to_string(seconds / 3600) + " h " + std::to_string(seconds / 60 % 60) + " m";
}

Result<milliseconds> parse_duration(std::string_view text) {
  const Error wrong{ErrorKind::invalid_input, "'" + std::string{text} + "' is not a duration",
                    "Write a number with a unit: 500ms, 20s, 10m, 1h30m, 2d."};
  if (text == "0")
    return milliseconds{0};
  if (text.empty())
    return wrong;
  std::uint64_t total = 0;
  while (!text.empty()) {
    const auto part = take_quantity(text, duration_units);
    // A hundred years is the bound: sums of a few durations must never overflow.
    if (!part || *part > 3'153'600'000'000ULL || (total += *part) > 3'153'600'000'000ULL)
      return wrong;
  }
  return milliseconds{static_cast<std::int64_t>(total)};
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  std::string_view rest = text;
  const auto bytes = take_quantity(rest, size_units);
  if (!bytes || !rest.empty())
    return Error{ErrorKind::invalid_input, "'" + std::string{text} + "' is not a size",
                 "Write a number with a unit: 100, 512MiB, 4GB."};
  return *bytes;
}

std::string format_time(std::chrono::system_clock::time_point time) {
  const std::tm parts = utc(time);
  std::array<char, 96> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                parts.tm_sec, milliseconds_of(time));
  return buffer.data();
}

std::string compact_time(std::chrono::system_clock::time_point time) {
  std::string text = format_time(time);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

Result<std::chrono::system_clock::time_point> parse_time(std::string_view text) {
  const std::string copy{text};
  std::tm parts{};
  int milliseconds_part = 0;
  int used = 0;
  const int fields = std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &parts.tm_year,
                                 &parts.tm_mon, &parts.tm_mday, &parts.tm_hour, &parts.tm_min,
                                 &parts.tm_sec, &milliseconds_part, &used);
  const auto is_from = [](int value, int first, int last) {
    return value >= first && value <= last;
  };
  if (fields != 7 || used != static_cast<int>(copy.size()) ||
      !is_from(parts.tm_year, 1970, 2261) || // what a time point of nanoseconds holds
      !is_from(parts.tm_mon, 1, 12) || !is_from(parts.tm_mday, 1, 31) ||
      !is_from(parts.tm_hour, 0, 23) || !is_from(parts.tm_min, 0, 59) ||
      !is_from(parts.tm_sec, 0, 60) || !is_from(milliseconds_part, 0, 999))
    return Error{ErrorKind::invalid_input, "'" + copy + "' is not a time",
                 "Write RFC 3339 in UTC: 2026-11-21T02:34:05.123Z."};
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  return std::chrono::system_clock::from_time_t(timegm(&parts)) + milliseconds{milliseconds_part};
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& all) {
  std::optional<std::string> best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : all) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t end = text.find(separator); end != std::string_view::npos;
       begin = end + 1, end = text.find(separator, begin))
    parts.emplace_back(text.substr(begin, end - begin));
  parts.emplace_back(text.substr(begin));
  return parts;
}

std::string plural(std::uint64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string{count == 1 ? one : many};
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  std::string_view between;
  for (const std::string& part : parts) {
    text.append(between).append(part);
    between = separator;
  }
  return text;
}

std::string printable(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const auto first = static_cast<unsigned char>(text[0]);
    const bool is_control = length == 1 && first != '\n' && (first < 0x20 || first == 0x7F);
    const bool is_c1 = length == 2 && first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
    if (length == 0 || is_control || is_c1)
      safe += first == '\t' ? ' ' : '?';
    else
      safe += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return safe;
}

std::string fill(std::string_view text,
                 const std::vector<std::pair<std::string, std::string>>& values) {
  std::string filled;
  while (!text.empty()) {
    bool replaced = false;
    if (text[0] == '{')
      for (const auto& [name, value] : values)
        if (text.substr(1).starts_with(name) && text.substr(1 + name.size()).starts_with('}')) {
          filled += value;
          text.remove_prefix(name.size() + 2);
          replaced = true;
          break;
        }
    if (!replaced) {
      filled += text[0];
      text.remove_prefix(1);
    }
  }
  return filled;
}

std::string absolute_path(std::string_view path, std::string_view folder) {
  const std::string whole =
      path.starts_with('/') ? std::string{path} : std::string{folder} + "/" + std::string{path};
  std::vector<std::string> kept;
  for (std::string& part : split(whole, '/')) {
    if (part.empty() || part == ".")
      continue;
    if (part != "..")
      kept.push_back(std::move(part));
    else if (!kept.empty())
      kept.pop_back();
  }
  return "/" + join(kept, "/");
}

std::string parent_of(std::string_view path) {
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos)
    return ".";
  return slash == 0 ? "/" : std::string{path.substr(0, slash)};
}

std::string name_of_path(std::string_view path) {
  const auto slash = path.rfind('/');
  return std::string{slash == std::string_view::npos ? path : path.substr(slash + 1)};
}

bool is_inside(std::string_view path, std::string_view folder) {
  if (folder == "/")
    return path.starts_with('/');
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

} // namespace base
