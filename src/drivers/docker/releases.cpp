// Runtime, the part that makes releases: which image, pinned; and of what a container is made.
#include "base/text.hpp"
#include "drivers/docker/runtime.hpp"

#include <algorithm>

namespace drivers::docker {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::Finding;
using domain::FindingLevel;
using world::Milliseconds;

namespace {

constexpr Milliseconds pull_timeout{1'800'000};

// "registry.example:5000/shop/web:1": the first part is a host when it looks like one.
bool names_registry(const std::string& reference) {
  const auto slash = reference.find('/');
  if (slash == std::string::npos)
    return false;
  const std::string first = reference.substr(0, slash);
  return first.contains('.') || first.contains(':') || first == "localhost";
}

std::string tag_of(const std::string& reference) {
  const auto slash = reference.rfind('/');
  const auto colon = reference.rfind(':');
  if (reference.contains('@'))
    return "";
  return colon == std::string::npos || (slash != std::string::npos && colon < slash)
             ? "latest"
             : reference.substr(colon + 1);
}

std::string short_id(const std::string& image) {
  return image.substr(image.starts_with("sha256:") ? 7 : 0, 12);
}

} // namespace

std::string file_name(std::string_view label) {
  std::string name;
  for (const char c : label) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    name += is_plain ? c : '_';
  }
  while (name.starts_with('.'))
    name.erase(0, 1);
  return name.substr(0, 100);
}

Result<Runtime::Release> Runtime::read_release(const std::string& folder) {
  const std::string path = folder + "/container.json";
  auto bytes = world_.files.read(path);
  if (!bytes && bytes.error().kind == ErrorKind::not_found)
    return Error{ErrorKind::not_found, "the release folder '" + folder + "' is gone, or not whole",
                 ""};
  Release release{folder, TRY_CONTEXT(record_in(TRY(std::move(bytes))), "'" + path + "'"), ""};
  release.digest = digest_of(release.record);
  return release;
}

// Of a release of compose too.
Result<std::string> Runtime::pin_of(const std::string& folder) {
  for (const char* name : {"/container.json", "/release.json"})
    if (const auto bytes = world_.files.read(folder + name)) {
      const Json read = Json::parse(bytes.value(), nullptr, false);
      if (read.is_object())
        return text(read, "pin");
    }
  return std::string{};
}

// A name of our own: while it has one, no prune of images takes it.
Result<> Runtime::pin(const Service& service, Record& record) {
  const std::string repository = "belay/" + stack_ + "." + service.name;
  record.pin = repository + ":" + short_id(record.image);
  TRY_CONTEXT(client_.tag(record.image, repository, short_id(record.image)),
              "image " + short_id(record.image));
  const auto pinned = TRY(client_.image(record.pin));
  if (pinned && text(*pinned, "Id") == record.image)
    return ok();
  return Error{ErrorKind::failed, "image " + record.image + " cannot be pinned as " + record.pin,
               "Look at the engine's log."};
}

Result<std::string> Runtime::write_release(const Service& service, const std::string& name,
                                           Record& record) {
  TRY(pin(service, record));
  const std::string folder = service.releases_folder + "/" + name;
  TRY(world_.files.create_folders(folder));
  const std::string path = folder + "/container.json";
  const auto there = world_.files.read(path);
  if (!there || there.value() != text_of(record))
    TRY(world_.files.replace(path, text_of(record)));
  return folder;
}

Result<Json> Runtime::find_image(const std::string& reference, bool may_pull) {
  auto image = TRY(client_.image(reference));
  if (image)
    return std::move(*image);
  if (!names_registry(reference))
    return Error{ErrorKind::not_found, "there is no image '" + reference + "' here",
                 "Load or pull it first (docker pull " + reference +
                     "), or name its registry in `image:`, as docker.io/library/redis:{to}, and "
                     "belay pulls it."};
  if (!may_pull)
    return Json::object();
  const auto pulled = client_.pull(reference, pull_timeout);
  image = TRY(client_.image(reference)); // whatever the answer was
  if (image)
    return std::move(*image);
  if (!pulled)
    return pulled.error();
  return Error{ErrorKind::not_found, "image '" + reference + "' was pulled, and is not here", ""};
}

Result<Record> Runtime::record_of_live(const Json& live) {
  const auto image = TRY(client_.image(text(live, "Image")));
  Record record = record_of(live, image.value_or(Json::object()));
  // Another container by its id would be another one after its own upgrade.
  if (const std::string mode = text(record.host, "NetworkMode"); mode.starts_with("container:")) {
    const auto other = TRY(client_.container(mode.substr(10)));
    if (!other)
      return Error{ErrorKind::not_found,
                   "container '" + record.name + "' shares the network of a container that is gone",
                   "Make it again, with --network container:NAME."};
    record.host["NetworkMode"] = "container:" + base::name_of_path(text(*other, "Name"));
  }
  return record;
}

// What the next container is made from.
Result<Record> Runtime::model(const Service& service) {
  const Found found = TRY(find(service));
  if (found.live) {
    TRY(check_is_ours(service, *found.live));
    const bool is_image_there = TRY(client_.image(text(*found.live, "Image"))).has_value();
    if (is_image_there || text(part(part(*found.live, "Config"), "Labels"), "belay.key").empty())
      return record_of_live(*found.live);
  }
  const auto folder = TRY(current_folder(service));
  if (folder)
    return TRY(read_release(*folder)).record;
  return Error{ErrorKind::not_found, "there is no container '" + service.container + "'",
               "Make and start it once (docker run --name " + service.container +
                   " ...): belay makes the next one from what it was made of."};
}

Result<std::vector<std::pair<std::string, std::string>>>
Runtime::environment_of(const Service& service) {
  std::vector<std::pair<std::string, std::string>> variables;
  for (const domain::EnvironmentEntry& entry : service.environment) {
    if (const auto* plain = std::get_if<std::string>(&entry.value))
      variables.emplace_back(entry.name, *plain);
    else
      variables.emplace_back(entry.name,
                             TRY_CONTEXT(read_secret_(std::get<domain::SecretRef>(entry.value)),
                                         "variable '" + entry.name + "'"));
  }
  return variables;
}

Result<domain::Release> Runtime::prepare(const Service& service, const std::string& label) {
  const std::string reference = base::fill(service.image, {{"to", label}});
  const Json image = TRY(find_image(reference, true));
  Record record = TRY(model(service));
  record.name = service.container;
  record.image = text(image, "Id");
  record.reference = reference;
  record.container.clear();
  const auto variables = TRY(environment_of(service));
  if (!variables.empty())
    set_environment(record, variables);
  const std::string digest = digest_of(record);
  const std::string folder =
      TRY(write_release(service, file_name(label) + "-" + digest.substr(0, 12), record));
  return domain::Release{service.name, label, folder, digest};
}

Result<> Runtime::can_prepare(const Service& service, const std::string& label) {
  TRY(client_.check());
  TRY(find_image(base::fill(service.image, {{"to", label}}), false));
  TRY(model(service));
  TRY(environment_of(service));
  return ok();
}

Result<> Runtime::verify(const Service& service, const domain::Release& release) {
  const Release known = TRY(read_release(release.folder));
  if (known.digest != release.digest)
    return Error{ErrorKind::corrupt, "'" + release.folder + "/container.json' was changed",
                 "Put it back, or upgrade to a release that is whole."};
  if (TRY(client_.image(known.record.image)))
    return ok();
  return Error{ErrorKind::not_found,
               "image " + known.record.image + " ('" + known.record.reference +
                   "') is gone from the engine, also under its name '" + known.record.pin + "'",
               "Load it again: docker pull " + known.record.reference +
                   ", if that still is this image, or docker load. Service '" + service.name +
                   "' cannot come back without it."};
}

namespace {

constexpr const char* containers_check = "containers";

void find_updaters(const std::vector<Json>& all, const std::string& own, const std::string& socket,
                   const std::vector<std::string>& held, std::vector<Finding>& findings) {
  for (const Json& container : all) {
    const bool has_socket = std::ranges::any_of(list(container, "Mounts"), [&](const Json& mount) {
      const std::string source = text(mount, "Source");
      return source.ends_with("/docker.sock") || source == socket;
    });
    const std::string name =
        list(container, "Names").empty() ? "" : list(container, "Names")[0].get<std::string>();
    const bool is_kept_away =
        std::ranges::find(held, base::name_of_path(name)) != held.end() || name == "/" + own;
    if (has_socket && text(container, "State") == "running" && !is_kept_away)
      findings.push_back({containers_check, FindingLevel::warning,
                          "container '" + base::name_of_path(name) + "' (" +
                              text(container, "Image") +
                              ") has the engine's socket: if it updates or restarts containers, "
                              "let belay hold it with `preflight.hold_containers`"});
  }
}

void look_at_live(const Json& live, std::vector<Finding>& findings) {
  const std::string name = "container '" + base::name_of_path(text(live, "Name")) + "'";
  const bool is_removed_at_end = truth(part(live, "HostConfig"), "AutoRemove");
  for (const std::string& destination : unnamed_volumes(live))
    findings.push_back(
        {containers_check, is_removed_at_end ? FindingLevel::blocker : FindingLevel::warning,
         name + " keeps '" + destination + "' in a volume without a name" +
             (is_removed_at_end ? ", which goes when it stops (--rm): copy the data into a volume "
                                  "with a name"
                                : ": give it one, and a store, or it is in no restore point")});
  if (is_removed_at_end)
    findings.push_back({containers_check, FindingLevel::warning,
                        name + " was run with --rm: the engine removes it when it stops, and a way "
                               "back makes it again"});
  const std::string folder = text(part(live, "Config"), "WorkingDir");
  for (const Json& mount : list(live, "Mounts"))
    if (!folder.empty() && folder != "/" && text(mount, "Type") == "bind" &&
        text(mount, "Destination") == folder)
      findings.push_back({containers_check, FindingLevel::warning,
                          "'" + text(mount, "Source") + "' is mounted over '" + folder + "' of " +
                              name +
                              ", where its image has its program: another image would "
                              "change nothing there"});
}

} // namespace

Result<std::vector<Finding>> Runtime::findings(const Service& service, const std::string& label) {
  std::vector<Finding> all;
  find_updaters(TRY(client_.containers()), service.container, client_.socket(), held_, all);
  const auto live = TRY(client_.container(service.container));
  if (live)
    look_at_live(*live, all);
  if (label.empty())
    return all;
  const std::string reference = base::fill(service.image, {{"to", label}});
  if (tag_of(reference) == "latest")
    all.push_back({containers_check, FindingLevel::warning,
                   "'" + reference +
                       "' names no version: belay pins the image that it is now, "
                       "but nobody will know which one that was"});
  const auto image = TRY(client_.image(reference));
  if (live && image && text(*image, "Id") == text(*live, "Image"))
    all.push_back({containers_check, FindingLevel::warning,
                   "'" + reference + "' is the image that container '" + service.container +
                       "' runs already: only its variables could change"});
  return all;
}

} // namespace drivers::docker
