#include "checks/crontab.hpp"

#include "base/text.hpp"
#include "checks/line.hpp"

#include <functional>
#include <optional>

namespace checks {

namespace {

constexpr std::size_t lines_max = 10'000;
constexpr std::string_view mark = "# held by belay (";
constexpr std::string_view mark_end = "): ";

bool is_field(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view{"*/,-~"}.contains(c);
  });
}

// nullopt: no command.
std::optional<CronLine> parse_line(std::string_view text, bool has_user) {
  std::string_view line = after_blanks(text);
  if (line.empty() || line[0] == '#')
    return std::nullopt;
  if (line[0] == '@') {
    take_word(line);
  } else {
    for (int field = 0; field < 5; ++field)
      if (!is_field(take_word(line)))
        return std::nullopt;
  }
  CronLine found{.text = std::string{text}};
  if (has_user)
    found.user = take_word(line);
  while (!line.empty() && blanks.contains(line.back()))
    line.remove_suffix(1);
  found.command = line;
  return found.command.empty() ? std::nullopt : std::optional{std::move(found)};
}

// "# held by belay (STACK, OPERATION): LINE"; nullopt: it is none.
std::optional<HeldLine> parse_held(std::string_view text) {
  if (!text.starts_with(mark))
    return std::nullopt;
  text.remove_prefix(mark.size());
  const auto end = text.find(mark_end);
  const auto comma = text.find(", ");
  if (end == std::string_view::npos || comma == std::string_view::npos || comma > end)
    return std::nullopt;
  HeldLine held;
  held.holder = {std::string{text.substr(0, comma)},
                 std::string{text.substr(comma + 2, end - comma - 2)}};
  held.text = text.substr(end + mark_end.size());
  return held;
}

// The text with each of its lines changed, and nothing else.
std::string each_line(std::string_view text,
                      const std::function<std::string(const std::string&)>& change) {
  std::vector<std::string> lines = base::split(text, '\n');
  for (std::string& line : lines)
    line = change(line);
  return base::join(lines, "\n");
}

} // namespace

std::vector<CronLine> parse_crontab(std::string_view text, bool has_user) {
  std::vector<CronLine> all;
  int number = 0;
  for (const std::string& each : base::split(text, '\n')) {
    if (++number > static_cast<int>(lines_max))
      break;
    if (auto line = parse_line(each, has_user)) {
      line->number = number;
      all.push_back(*std::move(line));
    }
  }
  return all;
}

std::vector<HeldLine> held_lines(std::string_view text) {
  std::vector<HeldLine> all;
  int number = 0;
  for (const std::string& each : base::split(text, '\n')) {
    ++number;
    if (auto held = parse_held(each)) {
      held->number = number;
      all.push_back(*std::move(held));
    }
  }
  return all;
}

std::string hold_lines(std::string_view text, std::string_view words, const Holder& holder) {
  const std::string before =
      std::string{mark} + holder.stack + ", " + holder.operation + std::string{mark_end};
  return each_line(text, [&](const std::string& line) {
    return line.contains(words) && parse_line(line, false) ? before + line : line;
  });
}

std::string give_back_lines(std::string_view text, const Holder& holder) {
  return each_line(text, [&](const std::string& line) {
    const auto held = parse_held(line);
    return held && held->holder == holder ? held->text : line;
  });
}

} // namespace checks
