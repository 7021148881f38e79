#include "discovery/parse.hpp"

#include "base/text.hpp"
#include "config/yaml_tree.hpp"
#include "discovery/words.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

namespace discovery {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos)
    return "";
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// Lines, those that end in a backslash joined with the next.
std::vector<std::string> logical_lines(std::string_view text) {
  std::vector<std::string> lines;
  std::string open;
  for (std::string& line : base::split(text, '\n')) {
    if (line.ends_with('\r'))
      line.pop_back();
    const bool goes_on = line.ends_with('\\');
    if (goes_on)
      line.back() = ' ';
    open += line;
    if (!goes_on)
      lines.push_back(std::exchange(open, ""));
  }
  if (!open.empty())
    lines.push_back(open);
  return lines;
}

std::string string_at(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// systemd's own quoting and variables differ from a shell's: what it would rewrite is not guessed.
std::vector<std::string> exec_words(std::string_view value) {
  while (!value.empty() && std::string_view{"-:+!"}.contains(value[0]))
    value.remove_prefix(1);
  if (value.starts_with('@') || value.contains('%') || value.contains(" ; "))
    return {};
  return split_command(value).value_or(std::vector<std::string>{});
}

} // namespace

UnitText parse_unit(std::string_view text) {
  UnitText unit;
  std::string section;
  for (const std::string& whole : logical_lines(text)) {
    const std::string_view line = trimmed(whole);
    if (line.empty() || line[0] == '#' || line[0] == ';')
      continue;
    if (line.starts_with('[')) {
      section = line;
      continue;
    }
    const auto equals = line.find('=');
    if (section != "[Service]" || equals == std::string_view::npos)
      continue;
    const std::string_view key = trimmed(line.substr(0, equals));
    const std::string_view value = trimmed(line.substr(equals + 1));
    if (key == "ExecStart")
      unit.exec = exec_words(value);
    else if (key == "WorkingDirectory")
      unit.working_folder = value.starts_with('-') ? value.substr(1) : value;
    else if (key == "User")
      unit.user = value;
    else if (key == "EnvironmentFile")
      unit.environment_files.emplace_back(value.starts_with('-') ? value.substr(1) : value);
  }
  return unit;
}

std::vector<std::string> parse_script(std::string_view text) {
  std::vector<std::string> command;
  for (const std::string& whole : logical_lines(text)) {
    std::string_view line = trimmed(whole);
    if (!line.starts_with("exec ") && !line.starts_with("exec\t"))
      continue;
    line = trimmed(line.substr(5));
    for (const std::string_view rest : {"\"$@\"", "$@", "\"${@}\""})
      if (line.ends_with(rest))
        line = trimmed(line.substr(0, line.size() - rest.size()));
    command = split_command(line).value_or(std::vector<std::string>{});
  }
  return command;
}

std::optional<PackageText> parse_package(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object())
    return std::nullopt;
  PackageText package{string_at(json, "name"), string_at(json, "version"), {}, {}};
  if (const auto scripts = json.find("scripts"); scripts != json.end() && scripts->is_object())
    package.start =
        split_command(string_at(*scripts, "start")).value_or(std::vector<std::string>{});
  constexpr std::array known{"pg",      "postgres", "better-sqlite3", "sqlite3", "mysql2",
                             "mongodb", "redis",    "ioredis",        "prisma",  "@prisma/client"};
  if (const auto needs = json.find("dependencies"); needs != json.end() && needs->is_object())
    for (const char* name : known)
      if (needs->contains(name))
        package.databases.emplace_back(name);
  return package;
}

namespace {

using config::Node;

const Node* map_at(const Node& node, std::string_view key) {
  const Node* found = node.kind == Node::Kind::map ? node.find(key) : nullptr;
  return found != nullptr && found->kind == Node::Kind::map ? found : nullptr;
}

std::string scalar_at(const Node& node, std::string_view key) {
  const Node* found = node.kind == Node::Kind::map ? node.find(key) : nullptr;
  return found != nullptr && found->kind == Node::Kind::scalar ? found->text : "";
}

// "${A:-b}:c" at its colons that are in no braces.
std::vector<std::string> parts_of(std::string_view text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : text) {
    depth += c == '{' ? 1 : c == '}' ? -1 : 0;
    if (c == ':' && depth == 0)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

ComposeMount mount_of(const Node& node) {
  ComposeMount mount;
  if (node.kind == Node::Kind::map) {
    mount.source = scalar_at(node, "source");
    mount.target = scalar_at(node, "target");
    mount.is_volume = scalar_at(node, "type") == "volume";
    mount.is_read_only = scalar_at(node, "read_only") == "true";
    return mount;
  }
  const auto parts = parts_of(node.text);
  if (parts.size() < 2) // a volume without a name
    return mount;
  mount.source = parts[0];
  mount.target = parts[1];
  mount.is_read_only = parts.size() > 2 && base::split(parts[2], ',')[0] == "ro";
  mount.is_volume = !mount.source.starts_with('.') && !mount.source.starts_with('/') &&
                    !mount.source.starts_with('~') && !mount.source.contains('$');
  return mount;
}

std::string port_of(const Node& node) {
  if (node.kind == Node::Kind::map)
    return scalar_at(node, "published");
  const auto parts = parts_of(node.text.substr(0, node.text.find('/')));
  const std::string port = parts.size() < 2 ? "" : parts[parts.size() - 2];
  return port.contains('-') && !port.contains('$') ? "" : port; // a range
}

ComposeService service_of(const std::string& name, const Node& node) {
  ComposeService service;
  service.name = name;
  service.image = scalar_at(node, "image");
  if (node.kind != Node::Kind::map)
    return service;
  service.is_built = node.find("build") != nullptr;
  const Node* health = map_at(node, "healthcheck");
  service.has_health = health != nullptr && scalar_at(*health, "disable") != "true";
  if (const Node* ports = node.find("ports"); ports != nullptr)
    for (const Node& port : ports->items)
      if (service.port.empty())
        service.port = port_of(port);
  if (const Node* volumes = node.find("volumes"); volumes != nullptr)
    for (const Node& volume : volumes->items)
      service.mounts.push_back(mount_of(volume));
  if (const Node* needs = node.find("depends_on"); needs != nullptr) {
    for (const Node::Key& key : needs->keys)
      service.needs.push_back(key.text);
    if (needs->kind == Node::Kind::list)
      for (const Node& need : needs->items)
        service.needs.push_back(need.text);
  }
  return service;
}

// Names of services that somebody waits for to end.
std::vector<std::string> one_shots(const Node& services) {
  std::vector<std::string> names;
  for (const Node& service : services.items)
    if (const Node* needs = map_at(service, "depends_on"))
      for (std::size_t i = 0; i < needs->keys.size(); ++i)
        if (scalar_at(needs->items[i], "condition") == "service_completed_successfully")
          names.push_back(needs->keys[i].text);
  return names;
}

} // namespace

Compose parse_compose(std::string_view text, const std::string& file) {
  Compose compose;
  const auto root = config::parse_yaml(text, file);
  const Node* services = root ? map_at(root.value(), "services") : nullptr;
  if (services == nullptr)
    return compose;
  compose.name = scalar_at(root.value(), "name");
  if (const Node* volumes = map_at(root.value(), "volumes"))
    for (std::size_t i = 0; i < volumes->keys.size(); ++i) {
      const bool is_external = scalar_at(volumes->items[i], "external") == "true";
      const std::string name = scalar_at(volumes->items[i], "name");
      compose.volume_names.emplace_back(volumes->keys[i].text,
                                        name.empty() && is_external ? volumes->keys[i].text : name);
    }
  const auto ending = one_shots(*services);
  for (std::size_t i = 0; i < services->keys.size(); ++i) {
    ComposeService service = service_of(services->keys[i].text, services->items[i]);
    service.is_one_shot = std::ranges::find(ending, service.name) != ending.end();
    compose.services.push_back(std::move(service));
  }
  return compose;
}

std::vector<HelmRelease> parse_helm(std::string_view text) {
  std::vector<HelmRelease> releases;
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_array())
    for (const auto& each : json)
      if (each.is_object() && !string_at(each, "name").empty())
        releases.push_back(
            {string_at(each, "name"), string_at(each, "namespace"), string_at(each, "chart")});
  return releases;
}

std::vector<HelmRelease> parse_kubectl(std::string_view columns) {
  std::vector<HelmRelease> releases;
  for (const std::string& line : base::split(columns, '\n')) {
    std::vector<std::string> words;
    for (std::string& word : base::split(line, ' '))
      if (!word.empty())
        words.push_back(std::move(word));
    if (words.size() == 3 && words[2] == "deployed")
      releases.push_back({words[1], words[0], ""});
  }
  return releases;
}

std::vector<std::string> parse_packed_tags(std::string_view text) {
  constexpr std::string_view mark = " refs/tags/";
  std::vector<std::string> tags;
  for (const std::string& line : base::split(text, '\n'))
    if (const auto at = line.find(mark); !line.starts_with('#') && at != std::string::npos)
      tags.push_back(line.substr(at + mark.size()));
  return tags;
}

bool says_ok(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  return json.is_object() && string_at(json, "status") == "ok";
}

bool is_command(const std::vector<std::string>& argv) {
  return !argv.empty() && !argv[0].empty() && !argv[0].contains(": ");
}

} // namespace discovery
