#include "discovery/look.hpp"

#include "base/text.hpp"
#include "config/env_file.hpp"
#include "discovery/looker.hpp"
#include "discovery/parse.hpp"

#include <algorithm>
#include <array>
#include <deque>

namespace discovery {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

constexpr std::size_t entries_max = 20'000;
constexpr int depth_max = 4;
constexpr std::size_t text_bytes_max = 1U << 20U;

// What others made, and what nobody would call data of the stack.
bool is_left_out(const std::string& name) {
  constexpr std::array names{".git",  "node_modules", ".venv",         "venv",
                             ".tox",  "__pycache__",  "site-packages", ".cache",
                             "tests", "test",         "target",        "vendor"};
  return name.starts_with(".belay") || std::ranges::find(names, name) != names.end();
}

bool is_compose(const std::string& name) {
  return name == "compose.yaml" || name == "compose.yml" || name == "docker-compose.yaml" ||
         name == "docker-compose.yml";
}

bool is_start_script(const std::string& name) {
  constexpr std::array names{"start", "start.sh", "run", "run.sh", "serve", "serve.sh"};
  return std::ranges::find(names, name) != names.end();
}

} // namespace

std::string Looker::text_of(const std::string& path) {
  auto text = world_.files.read(path, text_bytes_max);
  if (!text)
    seen_.unseen.push_back(text.error().message);
  return text ? std::move(text).value() : "";
}

bool Looker::has(const std::string& where) const {
  return std::ranges::find(seen_.evidence, where, &Evidence::where) != seen_.evidence.end();
}

// What a word names is told only where it is inside the project: the rest stays as it is.
std::vector<Word> Looker::words_of(const std::vector<std::string>& argv,
                                   const std::string& folder) {
  const auto written = writer_.write(argv);
  std::vector<Word> words;
  for (std::size_t i = 0; i < argv.size(); ++i) {
    Word word{written[i], "", false};
    const auto equals = argv[i].starts_with('-') ? argv[i].find('=') : std::string::npos;
    const std::string name = equals == std::string::npos ? argv[i] : argv[i].substr(equals + 1);
    if (!name.empty() && !name.starts_with('-') && folder.starts_with('/')) {
      const std::string lexical = base::absolute_path(name, folder);
      const auto real = world_.files.resolve(lexical);
      const bool is_here = real && base::is_inside(real.value(), seen_.folder);
      if (is_here || (real && base::is_inside(lexical, seen_.folder)))
        word.path = is_here ? real.value() : lexical;
      if (!word.path.empty()) {
        const auto info = world_.files.info(word.path);
        word.is_folder = info && info.value() && info.value()->kind == world::EntryKind::folder;
      }
    }
    words.push_back(std::move(word));
  }
  return words;
}

void Looker::add_variables(const std::string& path) {
  Variables variables;
  std::vector<std::pair<std::string, std::string>> values;
  config::Scope scope;
  scope.layers.push_back({"env", config::Variables{environment_.begin(), environment_.end()}});
  const auto parsed = config::parse_env_file(text_of(path), base::name_of_path(path), scope);
  variables.is_readable = static_cast<bool>(parsed);
  if (parsed)
    for (const auto& [name, value] : parsed.value()) {
      variables.names.push_back(name);
      values.emplace_back(name, value);
      if (const std::string scheme = scheme_of(value); !scheme.empty() && scheme != "file")
        variables.servers.emplace_back(name, scheme);
    }
  writer_.know(values);
  add(path, std::move(variables));
}

void Looker::add_compose(const std::string& path) {
  Compose compose = parse_compose(text_of(path), base::name_of_path(path));
  for (ComposeService& service : compose.services)
    for (ComposeMount& mount : service.mounts) {
      if (mount.is_volume || mount.source.empty() || mount.source.contains('$'))
        continue;
      const auto info = world_.files.info(base::absolute_path(mount.source, base::parent_of(path)));
      mount.is_folder = info && info.value() && info.value()->kind == world::EntryKind::folder;
    }
  add(path, std::move(compose));
}

void Looker::add_unit(const std::string& path, const std::string& text) {
  const UnitText unit = parse_unit(text);
  const std::string folder = unit.working_folder.empty() ? seen_.folder : unit.working_folder;
  add(path, Unit{base::name_of_path(path), words_of(unit.exec, folder), unit.working_folder,
                 unit.user, unit.environment_files});
}

void Looker::add_script(const std::string& path, std::uint32_t mode) {
  const std::string text = text_of(path);
  if ((mode & 0111U) == 0 && !text.starts_with("#!"))
    return;
  const auto argv = parse_script(text);
  add(path, Script{words_of(argv, seen_.folder)});
  add_data_of("'" + base::name_of_path(path) + "'",
              std::get<Script>(seen_.evidence.back().detail).argv);
}

void Looker::add_package(const std::string& path) {
  auto package = parse_package(text_of(path));
  if (!package) {
    seen_.unseen.push_back("'" + path + "' is not JSON");
    return;
  }
  // npm looks in node_modules/.bin first.
  if (!package->start.empty() && !package->start[0].contains('/')) {
    const std::string inner = "./node_modules/.bin/" + package->start[0];
    if (world_.files.resolve(base::absolute_path(inner, seen_.folder)))
      package->start[0] = inner;
  }
  add(path, Package{package->name, package->version, words_of(package->start, seen_.folder),
                    package->databases});
}

void Looker::look_at_file(const std::string& path, int depth, const world::EntryInfo& info) {
  const std::string name = base::name_of_path(path);
  constexpr std::size_t page_min = 512; // a database is whole pages
  constexpr std::string_view magic{"SQLite format 3\0", 16};
  if (name.ends_with(".service"))
    add_unit(path, text_of(path));
  else if (depth == 0 && name == "package.json")
    add_package(path);
  else if (depth <= 1 && is_compose(name))
    add_compose(path);
  else if (depth <= 1 && is_start_script(name))
    add_script(path, info.mode);
  else if (info.size_bytes >= page_min && info.size_bytes % page_min == 0)
    if (const auto head = world_.files.read_start(path, magic.size());
        head && head.value() == magic)
      add(path, Database{info.size_bytes});
}

void Looker::walk() {
  std::deque<std::pair<std::string, int>> folders{{seen_.folder, 0}};
  for (; !folders.empty(); folders.pop_front()) {
    const auto [path, depth] = folders.front();
    const auto names = world_.files.list(path);
    if (!names) {
      seen_.unseen.push_back(names.error().message);
      continue;
    }
    const bool has_releases = add_releases(path, names.value());
    for (const std::string& name : names.value()) {
      if (++entries_ > entries_max) {
        seen_.unseen.push_back("more than " + std::to_string(entries_max) + " entries in '" +
                               seen_.folder + "'");
        return;
      }
      const std::string inner = base::absolute_path(name, path);
      const auto info = world_.files.info(inner);
      if (!info || !info.value())
        continue;
      if (info.value()->kind == world::EntryKind::file)
        look_at_file(inner, depth, *info.value());
      if (info.value()->kind != world::EntryKind::folder || is_left_out(name) ||
          (has_releases && label_in(name, false)))
        continue;
      if (is_data_name(name))
        add_data_folder(inner, "its name");
      if (depth + 1 < depth_max)
        folders.emplace_back(inner, depth + 1);
    }
  }
}

// Units that are installed, as far as they name the project.
void Looker::add_units_of_the_machine() {
  const std::string folder = "/etc/systemd/system";
  const auto names = world_.files.list(folder);
  if (!names)
    return;
  for (const std::string& name : names.value()) {
    const std::string path = folder + "/" + name;
    const auto info = world_.files.info(path);
    if (!name.ends_with(".service") || !info || !info.value() ||
        info.value()->kind != world::EntryKind::file)
      continue;
    const auto text = world_.files.read(path, text_bytes_max);
    if (text && text.value().contains(seen_.folder))
      add_unit(path, text.value());
  }
}

Seen Looker::run() {
  // First what tells which words are values of a .env: none of them may be copied.
  const auto names = world_.files.list(seen_.folder);
  if (names)
    for (const std::string& name : names.value()) {
      const auto info = world_.files.info(seen_.folder + "/" + name);
      if (name.ends_with(".env") && info && info.value() &&
          info.value()->kind == world::EntryKind::file)
        add_variables(base::absolute_path(name, seen_.folder));
    }
  look_at_processes();
  walk();
  add_git();
  add_units_of_the_machine();
  look_for_postgres();
  look_for_helm();
  settle_data();
  return std::move(seen_);
}

Result<Seen> look(world::World world, const std::string& folder,
                  const config::Environment& environment) {
  auto real = world.files.resolve(folder);
  if (!real)
    return Error{ErrorKind::not_found, "there is no folder '" + folder + "'",
                 "Name the folder of the stack with --dir."};
  const auto info = TRY(world.files.info(real.value()));
  if (!info || info->kind != world::EntryKind::folder)
    return Error{ErrorKind::not_found, "'" + folder + "' is not a folder",
                 "Name the folder of the stack with --dir."};
  return Looker{world, std::move(real).value(), environment}.run();
}

} // namespace discovery
