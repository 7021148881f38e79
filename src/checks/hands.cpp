#include "checks/hands.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace checks {

namespace {

constexpr std::string_view blanks = " \t\r";
constexpr std::size_t lines_max = 10'000;

std::string_view after_blanks(std::string_view text) {
  const auto at = text.find_first_not_of(blanks);
  return at == std::string_view::npos ? std::string_view{} : text.substr(at);
}

// Takes the next word off the text.
std::string_view take_word(std::string_view& text) {
  text = after_blanks(text);
  const auto end = std::min(text.find_first_of(blanks), text.size());
  const std::string_view word = text.substr(0, end);
  text = after_blanks(text.substr(end));
  return word;
}

bool is_field(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view{"*/,-~"}.contains(c);
  });
}

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

std::vector<CronLine> parse_crontab(std::string_view text, bool has_user) {
  std::vector<CronLine> all;
  int number = 0;
  for (const std::string& each : base::split(text, '\n')) {
    if (++number > static_cast<int>(lines_max))
      break;
    std::string_view line = after_blanks(each);
    if (line.empty() || line[0] == '#')
      continue;
    bool is_good = true;
    if (line[0] == '@') {
      take_word(line);
    } else {
      for (int field = 0; field < 5; ++field)
        is_good = is_field(take_word(line)) && is_good;
    }
    CronLine found{.number = number};
    if (has_user)
      found.user = take_word(line);
    while (!line.empty() && blanks.contains(line.back()))
      line.remove_suffix(1);
    found.command = line;
    if (is_good && !found.command.empty())
      all.push_back(std::move(found));
  }
  return all;
}

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
