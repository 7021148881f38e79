#include "engine/config_diff.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

namespace engine {
namespace {

constexpr std::size_t lines_max = 40;
constexpr std::size_t columns_max = 120;

std::string lower(std::string_view text) {
  std::string all{text};
  std::ranges::transform(all, all.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return all;
}

bool names_a_secret(std::string_view key) {
  constexpr std::array words{"secret",     "password", "passwd",  "token", "key",
                             "credential", "auth",     "private", "cert",  "salt",
                             "dsn",        "license",  "jwt"};
  const std::string name = lower(key);
  return std::ranges::any_of(words, [&](const char* word) { return name.contains(word); });
}

// Long runs without a space that mix letters and digits: tokens, keys, hashes, URLs with a login.
bool looks_secret(std::string_view value) {
  if (value.contains("://") && value.contains('@'))
    return true;
  std::size_t run = 0;
  bool has_digit = false;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_part = std::isalnum(byte) != 0 || c == '+' || c == '/' || c == '_' || c == '-';
    run = is_part ? run + 1 : 0;
    has_digit = is_part && (has_digit || std::isdigit(byte) != 0);
    if (run >= 20 && has_digit)
      return true;
  }
  return false;
}

std::string redact(std::string_view line) {
  const auto at = line.find_first_of("=:");
  if (at == std::string_view::npos)
    return looks_secret(line) ? "(redacted)" : std::string{line};
  const std::string_view value = line.substr(at + 1);
  if (names_a_secret(line.substr(0, at)) || looks_secret(value))
    return std::string{line.substr(0, at + 1)} + " (redacted)";
  return std::string{line};
}

std::string shown(std::string_view line) {
  std::string text = base::printable(redact(line));
  std::erase(text, '\n');
  if (text.size() > columns_max)
    text = text.substr(0, columns_max) + "...";
  return text;
}

// Lines that only one side has; for people, so the order within the file is kept.
void diff_lines(const std::string& name, const state::ConfigFile& before,
                const state::ConfigFile& after, std::vector<std::string>& lines) {
  const auto old_lines = base::split(before.bytes, '\n');
  const auto new_lines = base::split(after.bytes, '\n');
  const std::multiset<std::string> had{old_lines.begin(), old_lines.end()};
  const std::multiset<std::string> has{new_lines.begin(), new_lines.end()};
  for (const std::string& line : old_lines)
    if (!has.contains(line))
      lines.push_back("config   " + name + ": - " + shown(line));
  for (const std::string& line : new_lines)
    if (!had.contains(line))
      lines.push_back("config   " + name + ": + " + shown(line));
}

} // namespace

std::vector<std::string> diff_config(const std::vector<state::ConfigFile>& before,
                                     const std::vector<state::ConfigFile>& after) {
  std::vector<std::string> lines;
  for (const state::ConfigFile& now : after) {
    const std::string name = base::name_of_path(now.copy.path);
    const auto old = std::ranges::find_if(
        before, [&](const auto& file) { return file.copy.path == now.copy.path; });
    if (old == before.end() || !old->copy.exists) {
      if (now.copy.exists)
        lines.push_back("config   " + name + ": is new");
      continue;
    }
    if (old->copy == now.copy)
      continue;
    if (!now.copy.exists)
      lines.push_back("config   " + name + ": is gone");
    else if (old->copy.sha256 == now.copy.sha256)
      lines.push_back("config   " + name + ": owner or mode changed");
    else
      diff_lines(name, *old, now, lines);
  }
  if (lines.size() > lines_max) {
    const std::size_t more = lines.size() - lines_max;
    lines.resize(lines_max);
    lines.push_back("config   ... and " + std::to_string(more) + " more lines");
  }
  return lines;
}

} // namespace engine
