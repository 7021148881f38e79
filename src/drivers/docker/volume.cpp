#include "drivers/docker/volume.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace drivers::docker {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

Result<std::string> VolumeStore::path_of_volume(const std::string& name) {
  const auto volume = TRY(client_.volume(name));
  if (!volume)
    return Error{ErrorKind::not_found, "there is no volume '" + name + "'",
                 "'docker volume ls' lists them; compose puts the name of the project before it."};
  const Json& options = part(*volume, "Options");
  const std::string device = text(options, "device");
  if (text(*volume, "Driver") == "local" && base::split(text(options, "o"), ',')[0] == "bind" &&
      device.starts_with('/'))
    return device;
  if (text(*volume, "Driver") != "local" || !device.empty())
    return Error{ErrorKind::invalid_input,
                 "volume '" + name + "' is not kept on this machine (driver " +
                     text(*volume, "Driver") + (device.empty() ? "" : ", device " + device) + ")",
                 "Only volumes of the driver 'local' can be brought back: use a driver of your own "
                 "for this store."};
  const std::string path = text(*volume, "Mountpoint");
  const auto info = world_.files.info(path);
  if (!info)
    return Error{ErrorKind::failed,
                 "belay cannot reach volume '" + name + "': " + info.error().message,
                 "Run belay as root: the engine keeps its volumes from everybody else."};
  if (info.value())
    return path;
  return Error{ErrorKind::not_found,
               "the engine keeps volume '" + name + "' in '" + path + "', which is not here",
               "Run belay on the machine of the engine, not in a container or beside a virtual "
               "machine."};
}

Result<domain::StoreSpec> VolumeStore::directory_of(const domain::StoreSpec& spec) {
  domain::StoreSpec directory = spec;
  directory.kind = domain::StoreKind::directory;
  if (spec.path.empty())
    directory.path = TRY(path_of_volume(spec.volume));
  return directory;
}

namespace {

std::string name_for_people(const Json& container) {
  const Json& names = list(container, "Names");
  return names.empty() || !names[0].is_string() ? text(container, "Id")
                                                : base::name_of_path(names[0].get<std::string>());
}

} // namespace

bool VolumeStore::is_of_stack(const Json& container) const {
  const Json& labels = part(container, "Labels");
  const bool is_of_project = text(labels, "com.docker.compose.project") == stack_.compose.project;
  return std::ranges::any_of(stack_.services, [&](const domain::ServiceSpec& service) {
    if (!service.container.empty())
      return service.container == name_for_people(container);
    return !service.compose_service.empty() && is_of_project &&
           text(labels, "com.docker.compose.service") == service.compose_service;
  });
}

Result<std::vector<Json>> VolumeStore::users_of(const domain::StoreSpec& spec,
                                                const std::string& path, bool only_writers) {
  std::vector<Json> users;
  const auto resolved = world_.files.resolve(path);
  const std::string real = resolved ? resolved.value() : path;
  for (const Json& container : TRY(client_.containers())) {
    const std::string state = text(container, "State");
    if (state != "running" && state != "paused" && state != "restarting")
      continue;
    const bool uses = std::ranges::any_of(list(container, "Mounts"), [&](const Json& mount) {
      if (only_writers && !truth(mount, "RW"))
        return false;
      if (!spec.volume.empty() && text(mount, "Name") == spec.volume)
        return true;
      const std::string source = text(mount, "Source");
      return text(mount, "Type") == "bind" &&
             (base::is_inside(source, path) || base::is_inside(source, real) ||
              base::is_inside(path, source) || base::is_inside(real, source));
    });
    if (uses)
      users.push_back(container);
  }
  return users;
}

Result<> VolumeStore::check_unused(const domain::StoreSpec& spec, const std::string& path,
                                   bool only_writers) {
  const auto users = TRY(users_of(spec, path, only_writers));
  if (users.empty())
    return ok();
  return Error{ErrorKind::conflict,
               "container '" + name_for_people(users.front()) + "' runs and mounts " +
                   (spec.volume.empty() ? "'" + path + "'" : "volume '" + spec.volume + "'"),
               "Stop it for the upgrade, or make it a service of the stack: then belay does."};
}

Result<domain::StoreState> VolumeStore::inspect(const domain::StoreSpec& spec) {
  const domain::StoreSpec directory = TRY(directory_of(spec));
  domain::StoreState state = TRY(directory_.inspect(directory));
  for (const Json& user : TRY(users_of(spec, directory.path, true)))
    if (!is_of_stack(user))
      state.problems.push_back("container '" + name_for_people(user) +
                               "' writes to it and is no service of this stack: stop it, or make "
                               "it one");
  return state;
}

Result<domain::CaptureReport> VolumeStore::protect(const domain::StoreSpec& spec,
                                                   const std::string& point,
                                                   const world::Progress& progress) {
  return directory_.protect(TRY(directory_of(spec)), point, progress);
}

Result<domain::CaptureReport> VolumeStore::secure(const domain::StoreSpec& spec,
                                                  const std::string& point,
                                                  const world::Progress& progress) {
  const domain::StoreSpec directory = TRY(directory_of(spec));
  TRY(check_unused(spec, directory.path, true));
  return directory_.secure(directory, point, progress);
}

Result<> VolumeStore::verify(const domain::StoreSpec& spec, const domain::Snapshot& snapshot,
                             world::Depth depth) {
  return directory_.verify(TRY(directory_of(spec)), snapshot, depth);
}

Result<domain::Evidence> VolumeStore::evidence(const domain::StoreSpec& spec,
                                               const domain::Snapshot& snapshot) {
  return directory_.evidence(TRY(directory_of(spec)), snapshot);
}

// Who reads only has the folder mounted too, and would go on to see what is swapped out.
Result<domain::Abandoned> VolumeStore::restore(const domain::StoreSpec& spec,
                                               const domain::Snapshot& snapshot,
                                               const std::string& abandoned_id) {
  const domain::StoreSpec directory = TRY(directory_of(spec));
  TRY(check_unused(spec, directory.path, false));
  return directory_.restore(directory, snapshot, abandoned_id);
}

Result<domain::Snapshot> VolumeStore::adopt(const domain::StoreSpec& spec,
                                            const domain::Abandoned& abandoned) {
  return directory_.adopt(TRY(directory_of(spec)), abandoned);
}

Result<> VolumeStore::export_written(const domain::StoreSpec& spec,
                                     const domain::Abandoned& abandoned, const std::string& into) {
  return directory_.export_written(TRY(directory_of(spec)), abandoned, into);
}

Result<> VolumeStore::discard(const domain::StoreSpec& spec, const std::string& id) {
  const auto directory = directory_of(spec);
  if (!directory && directory.error().kind == ErrorKind::not_found)
    return ok(); // the copies went with the volume
  return directory_.discard(TRY(directory_of(spec)), id);
}

Result<std::optional<domain::LiveTree>> VolumeStore::live_tree(const domain::StoreSpec& spec) {
  return directory_.live_tree(TRY(directory_of(spec)));
}

Result<std::optional<std::string>> VolumeStore::kept_path(const domain::StoreSpec& spec,
                                                          const std::string& id) {
  return directory_.kept_path(TRY(directory_of(spec)), id);
}

} // namespace drivers::docker
