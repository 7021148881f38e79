#include "drivers/systemd/files.hpp"

#include "base/text.hpp"

#include <array>

namespace drivers::systemd {

namespace {

constexpr std::string_view release_mark = "# release ";
constexpr std::string_view starts_mark = "starts 1";
constexpr std::string_view held_mark = "held 1";

std::string percent_doubled(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == '%')
      out += c;
  }
  return out;
}

// The rest of the line that begins with `name` and a blank.
std::string value_of(const std::vector<std::string>& lines, std::string_view name) {
  for (const std::string& line : lines)
    if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ' ')
      return line.substr(name.size() + 1);
  return "";
}

std::string hold_head(const std::string& stack) {
  return "# Made by belay for the operation in progress on stack '" + stack +
         "', whose end removes it\n# ('belay resume' or 'belay abort'). Do not edit.\n[Unit]\n";
}

} // namespace

std::string quoted(std::string_view word, bool has_variables) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : word) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '%' || (c == '$' && has_variables)) {
      out += c;
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string release_drop_in(const ReleaseText& text) {
  std::string out = "# Made by belay for stack '" + text.stack +
                    "', which replaces it with each release. Do not edit.\n";
  out += std::string{release_mark} + text.folder + "\n[Service]\nExecStart=\nExecStart=";
  for (std::size_t i = 0; i < text.argv.size(); ++i)
    out += (i == 0 ? "" : " ") + quoted(text.argv[i], i > 0);
  out += "\n";
  if (!text.working_folder.empty())
    out += "WorkingDirectory=" + percent_doubled(text.working_folder) + "\n";
  out += "Environment=" + quoted("BELAY_RELEASE=" + text.folder, false) + "\n";
  for (const auto& [name, value] : text.environment)
    out += "Environment=" + quoted(name + "=" + value, false) + "\n";
  return out;
}

std::optional<std::string> folder_in(std::string_view drop_in) {
  for (const std::string& line : base::split(drop_in, '\n'))
    if (line.starts_with(release_mark))
      return line.substr(release_mark.size());
  return std::nullopt;
}

std::string hold_drop_in(const std::string& stack, const std::string& gate) {
  return hold_head(stack) + "AssertPathExists=" + percent_doubled(gate) +
         "\n[Service]\nRestart=no\n";
}

std::string hold_trigger_drop_in(const std::string& stack) {
  return hold_head(stack) + "AssertPathExists=!/\n";
}

std::string text_of(const Starts& starts) {
  std::string out = std::string{starts_mark} + "\n";
  if (!starts.invocation.empty())
    out += "invocation " + starts.invocation + "\n";
  if (!starts.invocation_folder.empty())
    out += "from " + starts.invocation_folder + "\n";
  if (!starts.next_folder.empty())
    out += "next " + starts.next_folder + "\n";
  return out;
}

Starts starts_in(std::string_view text) {
  const auto lines = base::split(text, '\n');
  if (lines.front() != starts_mark)
    return {};
  return {value_of(lines, "invocation"), value_of(lines, "from"), value_of(lines, "next")};
}

std::string text_of(const Held& held) {
  std::string out = std::string{held_mark} + "\n";
  for (const std::string& unit : held.triggers)
    out += "stopped " + unit + "\n";
  if (held.is_foreign)
    out += "foreign " + held.link + "\n";
  return out;
}

Held held_in(std::string_view text) {
  Held held;
  const auto lines = base::split(text, '\n');
  if (lines.front() != held_mark)
    return held;
  for (const std::string& line : lines) {
    if (line.starts_with("stopped "))
      held.triggers.push_back(line.substr(8));
    if (line.starts_with("foreign "))
      held.is_foreign = true;
  }
  held.link = value_of(lines, "foreign");
  return held;
}

} // namespace drivers::systemd
