#include "state/folder.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <charconv>

namespace state {
namespace {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

constexpr std::string_view format_line = "belay state 1\n";
constexpr std::size_t reserve_bytes = 128U << 10U;

// A record file that is absent is a value, not an error.
Result<std::optional<std::string>> read_if_there(world::Files& files, const std::string& path) {
  auto text = files.read(path);
  if (text)
    return std::optional{std::move(text).value()};
  if (text.error().kind == ErrorKind::not_found)
    return std::optional<std::string>{};
  return std::move(text).error();
}

int number_in(std::string_view text) {
  int number = -1;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc{} && number >= 0 ? number : -1;
}

bool is_an_id(const std::string& id) {
  return !id.empty() && id.find('/') == std::string::npos && id.front() != '.';
}

Error no_such_point(const std::string& id) {
  return {ErrorKind::not_found, "no restore point '" + id + "'", "List them with 'belay points'."};
}

} // namespace

Result<Folder> Folder::open(world::World world, std::string path) {
  Folder folder{world, std::move(path)};
  const auto format = TRY(read_if_there(world.files, folder.path_ + "/format"));
  if (format && *format != format_line) {
    if (format->starts_with("belay state "))
      return Error{ErrorKind::too_new, "state folder '" + folder.path_ + "' is from a newer belay",
                   "Use the belay that wrote it, or a newer one; nothing was changed."};
    return Error{ErrorKind::corrupt, "'" + folder.path_ + "/format' is not a belay state folder's",
                 "Set `state:` in belay.yaml to the right folder."};
  }
  return folder;
}

Result<> Folder::make() {
  for (const char* name : {"", "/generations", "/points", "/operations", "/run", "/log"})
    TRY(world_.files.create_folders(path_ + name));
  const auto format = TRY(read_if_there(world_.files, path_ + "/format"));
  if (!format)
    TRY(world_.files.replace(path_ + "/format", format_line));
  return ok();
}

Result<std::unique_ptr<world::Lock>> Folder::lock(const std::string& operation) {
  TRY(make());
  const world::ProcessId self = TRY(world_.processes.self());
  const std::string owner = "pid " + std::to_string(self.pid) + " start " +
                            std::to_string(self.start_ticks) + " boot " + self.boot_id + " since " +
                            base::format_time(world_.clock.now()) + " for " + operation + "\n";
  auto held = world_.files.lock(path_ + "/lock", owner);
  if (!held && held.error().kind == ErrorKind::conflict)
    return Error{ErrorKind::locked,
                 "another belay is at work: " + base::printable(held.error().message),
                 "Wait until it has ended, or look with 'belay status'."};
  return held;
}

Result<Folder::Holder> Folder::holder() const {
  Holder holder;
  const auto text = TRY(read_if_there(world_.files, path_ + "/lock"));
  const auto words = base::split(text ? *text : "", ' '); // as lock() writes them
  if (words.size() < 6)
    return holder;
  world::ProcessId id;
  std::from_chars(words[1].data(), words[1].data() + words[1].size(), id.pid);
  std::from_chars(words[3].data(), words[3].data() + words[3].size(), id.start_ticks);
  id.boot_id = words[5];
  holder.is_alive = TRY(world_.processes.is_alive(id));
  holder.words = base::printable(text->substr(0, text->find('\n')));
  return holder;
}

Result<int> Folder::current_generation() const {
  const auto text = TRY(read_if_there(world_.files, path_ + "/current"));
  if (!text)
    return 0;
  const int number = number_in(*text);
  if (number < 0)
    return Error{ErrorKind::corrupt, "'" + path_ + "/current' holds no generation number", ""};
  return number;
}

Result<std::optional<Generation>> Folder::generation(int number) const {
  const std::string path = path_ + "/generations/" + std::to_string(number) + ".json";
  const auto text = TRY(read_if_there(world_.files, path));
  if (!text)
    return std::optional<Generation>{};
  return std::optional{TRY_CONTEXT(generation_from_json(*text), "read '" + path + "'")};
}

Result<int> Folder::highest_generation() const {
  int highest = 0;
  for (const std::string& name : TRY(ids_in("generations")))
    if (name.ends_with(".json"))
      highest = std::max(highest, number_in(name));
  return highest;
}

// The record last: what it says is kept is there before it is.
Result<> Folder::write_with_config(const std::string& folder, const std::vector<ConfigFile>& config,
                                   world::FileContent record) {
  std::vector<world::FileContent> files;
  for (std::size_t index = 0; index < config.size(); ++index)
    if (config[index].copy.exists)
      files.push_back({folder + "/" + std::to_string(index), config[index].bytes});
  files.push_back(std::move(record));
  return world_.files.replace_all(files);
}

Result<std::vector<ConfigFile>> Folder::read_config(const std::string& folder,
                                                    const std::vector<ConfigCopy>& copies) const {
  std::vector<ConfigFile> config;
  for (std::size_t index = 0; index < copies.size(); ++index) {
    ConfigFile file{copies[index], ""};
    if (file.copy.exists) {
      const std::string path = folder + "/" + std::to_string(index);
      file.bytes = TRY_CONTEXT(world_.files.read(path), "kept copy of '" + file.copy.path + "'");
      if (base::sha256_hex(file.bytes) != file.copy.sha256)
        return Error{ErrorKind::corrupt,
                     "kept copy of '" + file.copy.path + "' is damaged ('" + path + "')", ""};
    }
    config.push_back(std::move(file));
  }
  return config;
}

Result<> Folder::write_generation(const Generation& generation,
                                  const std::vector<ConfigFile>& config) {
  const std::string base_path = path_ + "/generations/" + std::to_string(generation.number);
  return write_with_config(base_path + ".config", config,
                           {base_path + ".json", to_json(generation)});
}

Result<> Folder::set_current_generation(int number) {
  return world_.files.replace(path_ + "/current", std::to_string(number) + "\n");
}

Result<std::vector<std::string>> Folder::ids_in(const std::string& folder) const {
  auto names = world_.files.list(path_ + "/" + folder);
  if (!names && names.error().kind == ErrorKind::not_found)
    return std::vector<std::string>{};
  return names;
}

Result<std::vector<std::string>> Folder::point_ids() const {
  std::vector<std::string> whole;
  for (const std::string& id : TRY(ids_in("points")))
    if (TRY(world_.files.info(path_ + "/points/" + id + "/manifest.json")))
      whole.push_back(id); // without its manifest, which is written last, it does not exist
  // By time, not by kind: "p-20261121T..." and "a-20261121T..." share what follows the prefix.
  std::ranges::sort(whole, {}, [](const std::string& id) { return id.substr(id.find('-') + 1); });
  return whole;
}

Result<RestorePoint> Folder::point(const std::string& id) const {
  if (!is_an_id(id))
    return no_such_point(id);
  const std::string path = path_ + "/points/" + id + "/manifest.json";
  const auto text = TRY(read_if_there(world_.files, path));
  if (!text)
    return no_such_point(id);
  return TRY_CONTEXT(point_from_json(*text), "read '" + path + "'");
}

Result<> Folder::begin_point(const std::string& id) {
  CHECK(is_an_id(id));
  return world_.files.create_folders(path_ + "/points/" + id);
}

Result<std::vector<std::string>> Folder::unfinished_points() const {
  std::vector<std::string> unfinished;
  for (const std::string& id : TRY(ids_in("points")))
    if (id.starts_with("p-") && !TRY(world_.files.info(path_ + "/points/" + id + "/manifest.json")))
      unfinished.push_back(id);
  return unfinished;
}

Result<> Folder::write_point(const RestorePoint& point, const std::vector<ConfigFile>& config) {
  const std::string folder = path_ + "/points/" + point.id;
  return write_with_config(folder + "/config", config, {folder + "/manifest.json", to_json(point)});
}

Result<> Folder::update_point(const RestorePoint& point) {
  return world_.files.replace(path_ + "/points/" + point.id + "/manifest.json", to_json(point));
}

Result<> Folder::remove_point(const std::string& id) {
  CHECK(is_an_id(id));
  const std::string folder = path_ + "/points/" + id;
  if (!TRY(world_.files.info(folder)))
    return ok();
  TRY(world_.files.remove(folder + "/manifest.json"));
  return world_.trees.remove(folder);
}

Result<std::vector<ConfigFile>> Folder::generation_config(const Generation& generation) const {
  return read_config(path_ + "/generations/" + std::to_string(generation.number) + ".config",
                     generation.config);
}

Result<std::vector<ConfigFile>> Folder::point_config(const RestorePoint& point) const {
  return read_config(path_ + "/points/" + point.id + "/config", point.config);
}

Result<std::vector<std::string>> Folder::operation_ids() const {
  return ids_in("operations");
}

Result<> Folder::begin_operation(const Plan& plan, const std::string& config_text) {
  const std::string folder = operation_path(plan.operation);
  TRY(make());
  return world_.files.replace_all({{folder + "/plan.json", to_json(plan)},
                                   {folder + "/belay.yaml", config_text},
                                   {folder + "/reserve", std::string(reserve_bytes, '.')},
                                   {path_ + "/in-progress", plan.operation + "\n"}});
}

Result<Plan> Folder::plan_of(const std::string& id) const {
  const std::string path = operation_path(id) + "/plan.json";
  if (!is_an_id(id) || !TRY(world_.files.info(path)))
    return Error{ErrorKind::not_found, "no operation '" + id + "'",
                 "List them with 'belay history'."};
  const std::string text = TRY(world_.files.read(path));
  return TRY_CONTEXT(plan_from_json(text), "read '" + path + "'");
}

Result<std::string> Folder::config_text_of(const std::string& id) const {
  return world_.files.read(operation_path(id) + "/belay.yaml");
}

Result<std::string> Folder::in_progress() const {
  const auto text = TRY(read_if_there(world_.files, path_ + "/in-progress"));
  if (!text)
    return std::string{};
  std::string id = text->substr(0, text->find('\n'));
  if (!is_an_id(id))
    return Error{ErrorKind::corrupt, "'" + path_ + "/in-progress' names no operation", ""};
  return id;
}

Result<> Folder::end_operation(const std::string& id) {
  return world_.files.remove_all({reserve_path(id), path_ + "/in-progress"});
}

Result<> Folder::request(const std::string& id, const std::string& wish) {
  return world_.files.replace(operation_path(id) + "/request-" + wish, "");
}

Result<bool> Folder::is_requested(const std::string& id, const std::string& wish) const {
  return TRY(world_.files.info(operation_path(id) + "/request-" + wish)).has_value();
}

Result<> Folder::release_reserve(const std::string& id) {
  return world_.files.remove(reserve_path(id));
}

Result<std::vector<ConfigFile>> capture_config(world::Files& files,
                                               const std::vector<std::string>& paths) {
  std::vector<ConfigFile> config;
  for (const std::string& path : paths) {
    ConfigFile file;
    file.copy.path = path;
    auto resolved = files.resolve(path); // a link is followed: its target is the config
    if (!resolved && resolved.error().kind != ErrorKind::not_found)
      return std::move(resolved).error();
    if (resolved) {
      const auto info = TRY(files.info(resolved.value()));
      file.bytes = TRY_CONTEXT(files.read(resolved.value()), "config file");
      file.copy.exists = true;
      if (info) {
        file.copy.mode = info->mode;
        file.copy.user = info->user;
        file.copy.group = info->group;
      }
      file.copy.sha256 = base::sha256_hex(file.bytes);
    }
    config.push_back(std::move(file));
  }
  return config;
}

std::vector<ConfigCopy> copies_of(const std::vector<ConfigFile>& config) {
  std::vector<ConfigCopy> copies;
  copies.reserve(config.size());
  for (const ConfigFile& file : config)
    copies.push_back(file.copy);
  return copies;
}

} // namespace state
