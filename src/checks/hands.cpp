#include "checks/hands.hpp"

#include "base/text.hpp"
#include "checks/line.hpp"

#include <algorithm>
#include <array>

namespace checks {

namespace {

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

// `word` stands in `text` with nothing of a word on either side.
bool has_word(std::string_view text, std::string_view word) {
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const auto end = at + word.size();
    if ((at == 0 || !is_word_byte(text[at - 1])) &&
        (end == text.size() || !is_word_byte(text[end])))
      return true;
  }
  return false;
}

// "host:8080", and not "host:80801".
bool has_port(std::string_view text, int port) {
  const std::string mark = ":" + std::to_string(port);
  for (auto at = text.find(mark); at != std::string_view::npos; at = text.find(mark, at + 1))
    if (const auto end = at + mark.size(); end == text.size() || text[end] < '0' || text[end] > '9')
      return true;
  return false;
}

// What an operation cannot bear in its middle: something is started, stopped, built or replaced.
std::string acting_word(std::string_view text) {
  constexpr std::array words{"docker compose",
                             "docker-compose",
                             "docker restart",
                             "docker start",
                             "docker stop",
                             "docker rm",
                             "docker run",
                             "podman",
                             "systemctl restart",
                             "systemctl start",
                             "systemctl stop",
                             "systemctl try-restart",
                             "systemctl reload-or-restart",
                             "supervisorctl",
                             "pm2",
                             "kill",
                             "pkill",
                             "killall",
                             "git pull",
                             "git checkout",
                             "git reset",
                             "npm install",
                             "npm ci",
                             "npm update",
                             "pip install",
                             "helm upgrade",
                             "helm rollback",
                             "kubectl",
                             "alembic",
                             "watchtower"};
  for (const char* word : words)
    if (has_word(text, word))
      return word;
  for (const std::string& line : base::split(text, '\n')) // "service web restart"
    if (has_word(line, "service") &&
        (has_word(line, "restart") || has_word(line, "start") || has_word(line, "stop")))
      return "service";
  return "";
}

// "WEB=web" and "WEB='web'": what a script calls by a variable.
bool is_assigned(std::string_view line, std::string_view name) {
  const auto equals = line.find('=');
  if (equals == std::string_view::npos ||
      !std::ranges::all_of(line.substr(0, equals), is_word_byte))
    return false;
  const std::string_view value = line.substr(equals + 1);
  return value == name || (value.size() == name.size() + 2 && value.substr(1, name.size()) == name);
}

// A name is also an ordinary word: it counts where something is done on its line, or where a script
// that does such things gives it to a variable.
bool is_named(std::string_view text, std::string_view name) {
  return std::ranges::any_of(base::split(text, '\n'), [&](const std::string& line) {
    return (has_word(line, name) && !acting_word(line).empty()) || is_assigned(line, name);
  });
}

} // namespace

UnitFile parse_unit_file(std::string_view text) {
  UnitFile unit;
  std::string joined;
  for (const std::string& each : base::split(text, '\n')) {
    joined += each;
    if (joined.ends_with('\\')) {
      joined.back() = ' ';
      continue;
    }
    const std::string line = std::move(joined);
    joined.clear();
    const auto equals = line.find('=');
    if (equals == std::string::npos || line.starts_with('#') || line.starts_with(';'))
      continue;
    const std::string key = line.substr(0, equals);
    std::string_view value = after_blanks(std::string_view{line}.substr(equals + 1));
    while (!value.empty() && std::string_view{"-@+!:|"}.contains(value[0]))
      value.remove_prefix(1);
    if (key == "ExecStart" || key == "ExecStartPre" || key == "ExecStartPost")
      unit.commands.emplace_back(value);
    else if (key == "Unit")
      unit.unit = value;
  }
  return unit;
}

std::vector<std::string> files_in_command(std::string_view command) {
  constexpr std::string_view ends = " \t\r\n;&|()<>\"'`=";
  std::vector<std::string> files;
  std::string folder;
  bool is_after_cd = false;
  std::size_t at = 0;
  while ((at = command.find_first_not_of(ends, at)) != std::string_view::npos) {
    const auto end = std::min(command.find_first_of(ends, at), command.size());
    const std::string_view word = command.substr(at, end - at);
    at = end;
    if (is_after_cd && word.starts_with('/'))
      folder = word;
    else if (word.starts_with('/'))
      files.push_back(base::absolute_path(word, "/"));
    else if (!folder.empty() && !word.starts_with('-') && word.contains('.'))
      files.push_back(base::absolute_path(word, folder));
    is_after_cd = word == "cd";
  }
  return files;
}

Touch touch_of(std::string_view text, const Marks& marks) {
  Touch touch;
  for (const std::string& folder : marks.folders)
    if (touch.by.empty() && has_word(text, folder))
      touch.by = "'" + folder + "'";
  touch.word = acting_word(text);
  for (const int port : marks.ports)
    if (touch.by.empty() && has_port(text, port))
      touch.by = "port " + std::to_string(port);
  for (const std::string& name : marks.names)
    if (touch.by.empty() && !touch.word.empty() && is_named(text, name))
      touch.by = "'" + name + "'";
  return touch;
}

bool is_belays(std::string_view command) {
  for (std::string_view rest = command; !rest.empty();) {
    const std::string_view word = take_word(rest);
    if (word == "sudo" || word == "nice" || word == "env" || word == "flock" || word.contains('='))
      continue;
    return word == "belay" || word.ends_with("/belay");
  }
  return false;
}

} // namespace checks
