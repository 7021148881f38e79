// Build, the part that looks at places inside one another, and at placeholders.
#include "base/text.hpp"
#include "config/build.hpp"

#include <algorithm>
#include <array>

namespace config {
namespace {

using domain::StoreKind;
using domain::StoreSpec;

std::string relative(const std::string& path, const std::string& folder) {
  return path.substr(folder == "/" ? 1 : folder.size() + 1);
}

// The store holds `path` and would capture it.
bool captures(const StoreSpec& store, const std::string& path) {
  if (store.path.empty() ||
      !base::is_inside(path, store.path)) // where a driver's data is, it knows
    return false;
  return std::ranges::none_of(store.exclude, [&](const std::string& excluded) {
    return base::is_inside(path, base::absolute_path(excluded, store.path));
  });
}

std::string exclude_hint(const StoreSpec& store, const std::string& path) {
  if (path == store.path)
    return "Choose another folder.";
  return "Choose another folder, or add '" + relative(path, store.path) + "' to 'stores." +
         store.name + ".exclude'.";
}

const Value& path_value(const Building& building, const StoreSpec& store) {
  const Value& section = building.root.at("stores").at(store.name);
  if (const Value* redis = section.find("redis"))
    return redis->at("data");
  for (const char* key : {"sqlite", "volume"})
    if (const Value* place = section.find(key))
      return *place;
  if (const Value* postgres = section.find("postgres"))
    return postgres->at("data");
  return section.at("directory");
}

// What belongs to an excluded store beside its own path: the copies that belay keeps of it, and
// SQLite's files beside a database. Going back with the outer store must not touch them.
void exclude_companions(StoreSpec& outer, const StoreSpec& inner) {
  std::vector<std::string> companions{base::parent_of(inner.path) + "/.belay-" +
                                      base::name_of_path(inner.path)};
  if (inner.kind == StoreKind::sqlite)
    for (const char* suffix : {"-wal", "-shm", "-journal"})
      companions.push_back(inner.path + suffix);
  for (const std::string& path : companions)
    if (captures(outer, path))
      outer.exclude.push_back(relative(path, outer.path));
}

void check_stores(const Building& building) {
  auto& stores = building.stack.stores;
  for (StoreSpec& outer : stores)
    for (const StoreSpec& inner : stores) {
      if (&outer == &inner || inner.path.empty() || outer.path.empty() ||
          !base::is_inside(inner.path, outer.path))
        continue;
      if (inner.path == outer.path) {
        if (&outer < &inner)
          building.problems.add(path_value(building, inner).mark,
                                "stores " + quoted(outer.name) + " and " + quoted(inner.name) +
                                    " are the same place",
                                "Remove one of them.");
      } else if (captures(outer, inner.path)) {
        building.problems.add(path_value(building, inner).mark,
                              "store " + quoted(inner.name) + " is inside store " +
                                  quoted(outer.name),
                              "Add '" + relative(inner.path, outer.path) + "' to 'stores." +
                                  outer.name + ".exclude', or remove one of them.");
      } else {
        exclude_companions(outer, inner);
      }
    }
}

} // namespace

void check_own_folder(const Building& building, const std::string& key, const Value& folder) {
  for (const StoreSpec& store : building.stack.stores) {
    if (captures(store, folder.text))
      building.problems.add(path_value(building, store).mark,
                            "store " + quoted(store.name) + " holds " + quoted(key) +
                                ", so that it would capture itself",
                            exclude_hint(store, folder.text));
    else if (base::is_inside(store.path, folder.text))
      building.problems.add(path_value(building, store).mark,
                            "store " + quoted(store.name) + " is inside " + quoted(key),
                            "Keep the data apart from what belay makes and removes.");
  }
  for (const std::string& file : building.stack.config_files)
    if (base::is_inside(file, folder.text))
      building.problems.add(building.root.at("config_files").mark,
                            "config file " + quoted(file) + " is inside " + quoted(key),
                            "Keep it apart from what belay makes and removes.");
}

namespace {

void check_log(const Building& building, const std::string& path, const Value& log,
               const Value& releases) {
  for (const StoreSpec& store : building.stack.stores)
    if (captures(store, log.text))
      building.warn(log.mark, quoted(path + ".log") + " is inside store " + quoted(store.name) +
                                  ": every line in it counts as changed data");
  if (log.text == releases.text || base::is_inside(releases.text, log.text))
    building.problems.add(log.mark, quoted(path + ".log") + " is also a folder of releases",
                          "Name a file.");
}

void check_services(const Building& building) {
  const auto& services = building.root.at("services").members;
  const std::string& state = building.stack.state_folder;
  for (auto service = services.begin(); service != services.end(); ++service) {
    if (service->value.find("releases") == nullptr) // its driver makes them
      continue;
    const std::string path = "services." + service->key;
    const Value& folder = service->value.at("releases");
    if (!base::is_inside(folder.text, state)) // else said of the state folder already
      check_own_folder(building, path + ".releases", folder);
    if (base::is_inside(state, folder.text))
      building.problems.add(folder.mark, quoted(path + ".releases") + " holds the state folder",
                            "Choose a folder that holds nothing else.");
    for (auto other = services.begin(); other != service; ++other)
      if (const std::string known = other->value.text_or_empty("releases");
          !known.empty() &&
          (base::is_inside(folder.text, known) || base::is_inside(known, folder.text)))
        building.problems.add(folder.mark,
                              quoted(path + ".releases") + " is also the folder of service " +
                                  quoted(other->key),
                              "Give each service its own.");
    if (const Value* log = service->value.find("log"))
      check_log(building, path, *log, folder);
  }
}

void check_config_files(const Building& building) {
  const Value& list = building.root.at("config_files");
  for (const std::string& file : list.words)
    for (const StoreSpec& store : building.stack.stores) {
      if (file == store.path || base::is_inside(store.path, file))
        building.problems.add(list.mark,
                              "config file " + quoted(file) + " holds store " + quoted(store.name),
                              "Name files here, and leave data to the stores.");
      else if (captures(store, file))
        building.warn(list.mark, "config file " + quoted(file) + " is inside store " +
                                     quoted(store.name) + ", so that it is captured twice");
    }
}

void check_layout(const Building& building) {
  for (StoreSpec store : building.stack.stores) {
    if (store.path.empty()) // where the volume is does not matter
      store.path = "/volume";
    for (const std::string& file : store.layout)
      if (!captures(store, base::absolute_path(file, store.path)))
        building.problems.add(building.root.at("stores").at(store.name).at("layout").mark,
                              "layout file " + quoted(file) + " of store " + quoted(store.name) +
                                  " is excluded",
                              "What is excluded cannot tell the layout of the data.");
  }
}

using Path = std::vector<std::string>;

bool knows_to(const Path& path) {
  return (path.size() > 3 && path[0] == "services" && path[2] == "release") ||
         (path.size() == 3 && path[0] == "services" && path[2] == "image") ||
         (path.size() > 3 && path[0] == "preflight" && path[3] == "wanted") ||
         (path.size() > 3 && path[0] == "upgrade" && path[1] == "migrate" && path[3] == "sql");
}
bool knows_release(const Path& path) {
  if (path.size() < 3 || path[0] != "services")
    return false;
  return path[2] == "run" || path[2] == "exec_start" || path[2] == "working_folder" ||
         path[2] == "env" || (path[2] == "release" && path.back() == "command");
}

void check_placeholders_in(const Building& building, const Value& value, Path& path) {
  for (const auto& [key, member] : value.members) {
    path.push_back(key);
    check_placeholders_in(building, member, path);
    path.pop_back();
  }
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    path.push_back("[" + std::to_string(i) + "]");
    check_placeholders_in(building, value.items[i], path);
    path.pop_back();
  }
  if (!value.is_given)
    return;
  std::vector<std::string> texts = value.words;
  texts.push_back(value.text);
  const auto holds = [&](const char* placeholder) {
    return std::ranges::any_of(texts,
                               [&](const std::string& text) { return text.contains(placeholder); });
  };
  if (holds("{to}") && !knows_to(path))
    building.problems.add(value.mark, "'{to}' is known in a service's 'release' and 'image' only",
                          "A command finds the target in the variable BELAY_TO.");
  if (holds("{release}") && !knows_release(path))
    building.problems.add(value.mark,
                          "'{release}' is known in a service's 'run', 'working_folder', 'env' and "
                          "'release.command' only",
                          "Name the place otherwise.");
}

} // namespace

void check_places(const Building& building) {
  check_stores(building);
  check_own_folder(building, "state", building.root.at("state"));
  check_services(building);
  check_config_files(building);
  check_layout(building);
}

void check_placeholders(const Building& building) {
  Path path;
  check_placeholders_in(building, building.root, path);
}

} // namespace config
