#include "app/stack_places.hpp"

#include "app/stack.hpp"
#include "base/digest.hpp"
#include "base/text.hpp"
#include "repo/restore.hpp"

#include <algorithm>
#include <charconv>

namespace app {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using repo::format::Snapshot;

namespace {

constexpr std::size_t manifest_bytes_max = 16U << 20U;
constexpr std::size_t config_bytes_max = 64U << 20U; // as Files::read takes them
constexpr const char* copy_prefix = "BELAY_COPY_TO_";

std::string tag_of(const Snapshot& snapshot, std::string_view name) {
  for (const std::string& tag : snapshot.tags)
    if (tag.starts_with(name) && tag.size() > name.size() && tag[name.size()] == '=')
      return tag.substr(name.size() + 1);
  return "";
}

std::uint64_t number_of(const std::string& text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool is_belays(const Snapshot& snapshot) {
  return std::ranges::find(snapshot.tags, "belay") != snapshot.tags.end() &&
         names_point(tag_of(snapshot, "point"));
}

Error damaged(const std::string& why) {
  return {ErrorKind::corrupt, "the manifest of the restore point " + why,
          "'belay repo check --read-data' tells what else is harmed."};
}

// Nothing of a manifest may lead out of its snapshot.
Result<> check_manifest(const state::RestorePoint& point, const Snapshot& snapshot) {
  if (point.id != tag_of(snapshot, "point") || point.stack != tag_of(snapshot, "stack"))
    return damaged("is that of '" + base::printable(point.id) + "'");
  for (const domain::Snapshot& store : point.snapshots)
    if (const std::string place = store_in_snapshot(point.stack, store.store);
        store.kept != base::absolute_path(store.kept, "/") || !base::is_inside(store.kept, place) ||
        store.store.empty() || store.store.contains('/'))
      return damaged("names '" + base::printable(store.kept) + "' as store '" +
                     base::printable(store.store) + "'");
  return ok();
}

// What belay.yaml gives a place as its credentials.
Result<std::map<std::string, std::string>>
variables_of(const Host& host, const domain::PlaceSpec& spec, const std::string& name) {
  std::map<std::string, std::string> variables;
  for (const domain::EnvironmentEntry& entry : spec.environment) {
    const auto* secret = std::get_if<domain::SecretRef>(&entry.value);
    variables[entry.name] =
        secret == nullptr
            ? std::get<std::string>(entry.value)
            : TRY_CONTEXT(config::read_secret(host.world.files, *secret, host.environment),
                          "'" + entry.name + "' of the " + name);
  }
  return variables;
}

} // namespace

Result<StackPlace> stack_place(const Host& host, const domain::Stack& stack, Where where,
                               const TellWait& notice) {
  if (!stack.repository || (where == Where::copy && !stack.repository->copy))
    return Error{ErrorKind::invalid_input,
                 where == Where::copy ? "belay.yaml names no second place"
                                      : "belay.yaml names no repository",
                 where == Where::copy ? "Name one in `repository: { copy_to: ... }`."
                                      : "Name one in `repository:`, or with --repo."};
  const domain::PlaceSpec& spec =
      where == Where::first ? stack.repository->first : *stack.repository->copy;
  StackPlace place{.name = where == Where::first ? "repository" : "copy",
                   .place = {},
                   .secret = spec.password,
                   .password = {}};
  place.place.location = spec.location;
  if (!repo::backend::is_remote(spec.location) && !spec.location.starts_with('/'))
    return Error{ErrorKind::invalid_input, "'" + spec.location + "' is no place of a repository",
                 "Write a folder, or a place that begins with rest:, sftp: or s3:."};
  place.place.options = spec.options;
  place.place.limit = {.upload_bytes_per_second = spec.limit_upload,
                       .download_bytes_per_second = spec.limit_download};
  place.place.environment = {host.environment.begin(), host.environment.end()};
  // Its credentials may be others than those of the first.
  std::map<std::string, std::string> own;
  if (where == Where::copy)
    for (const auto& [name, value] : host.environment)
      if (name.starts_with(copy_prefix))
        own[name.substr(std::string_view{copy_prefix}.size())] = value;
  put_variables(place.place, own);
  put_variables(place.place, TRY(variables_of(host, spec, place.name)));
  place.place.notice = notice;
  return place;
}

Result<std::string> password_of(const Host& host, const StackPlace& place) {
  if (!place.password.empty())
    return place.password;
  return TRY_CONTEXT(config::read_secret(host.world.files, place.secret, host.environment),
                     place.name == "copy" ? "password of the second place"
                                          : "password of the repository");
}

Result<std::unique_ptr<Depot>> open_place(const Host& host, const RepoPorts& ports,
                                          const StackPlace& place, Trouble& trouble) {
  auto depot = Depot::open(host, ports, place.place, TRY(password_of(host, place)), trouble);
  if (!depot && trouble == Trouble::no_repository && !place.name.empty())
    return Error{ErrorKind::not_found, depot.error().message,
                 place.name == "copy"
                     ? "Make it with 'belay repo init --copy', or correct `copy_to:`."
                     : "Make it with 'belay repo init', or correct `repository:`."};
  return depot;
}

std::string folder_in_snapshot(const std::string& stack) {
  return "/belay/" + stack;
}

std::string store_in_snapshot(const std::string& stack, const std::string& store) {
  return folder_in_snapshot(stack) + "/stores/" + store;
}

std::string config_in_snapshot(const std::string& stack) {
  return folder_in_snapshot(stack) + "/config";
}

std::string manifest_in_snapshot(const std::string& stack) {
  return folder_in_snapshot(stack) + "/restore-point.json";
}

std::vector<std::string> tags_of(const state::RestorePoint& point) {
  return {"belay", "stack=" + point.stack, "generation=" + std::to_string(point.generation),
          "point=" + point.id};
}

std::vector<StoredPoint> stored_points(const std::vector<Snapshot>& snapshots,
                                       const std::string& stack) {
  std::vector<StoredPoint> points;
  for (const Snapshot& snapshot : snapshots)
    if (is_belays(snapshot) && tag_of(snapshot, "stack") == stack)
      points.push_back({.id = tag_of(snapshot, "point"),
                        .generation = static_cast<int>(number_of(tag_of(snapshot, "generation"))),
                        .torn = number_of(tag_of(snapshot, "torn")),
                        .snapshot = snapshot});
  return points;
}

bool names_point(const std::string& name) {
  return name.size() > 2 && name.starts_with("p-") && std::ranges::all_of(name, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '-' || c == '.';
         });
}

Result<Snapshot> find_snapshot(repo::Repository& repository, const std::string& name) {
  if (!names_point(name))
    return repository.snapshot(name);
  for (Snapshot& snapshot : TRY(repository.snapshots()))
    if (is_belays(snapshot) && tag_of(snapshot, "point") == name)
      return std::move(snapshot);
  return Error{ErrorKind::not_found,
               "restore point '" + name + "' is not in '" + repository.backend().location() + "'",
               "'belay points' tells where each is."};
}

Result<state::RestorePoint> read_manifest(repo::Repository& repository, const Snapshot& snapshot) {
  std::string text;
  TRY_CONTEXT(repo::dump(repository, snapshot, manifest_in_snapshot(tag_of(snapshot, "stack")),
                         [&](std::string_view piece) -> Result<> {
                           text += piece;
                           return text.size() <= manifest_bytes_max
                                      ? ok()
                                      : Result<>{damaged("is too large")};
                         }),
              "the manifest of the restore point");
  auto point = TRY_CONTEXT(state::point_from_json(text), "the manifest of the restore point");
  TRY(check_manifest(point, snapshot));
  return point;
}

Result<std::vector<state::ConfigFile>> read_config(repo::Repository& repository,
                                                   const Snapshot& snapshot,
                                                   const state::RestorePoint& point) {
  std::vector<state::ConfigFile> config;
  for (const state::ConfigCopy& copy : point.config) {
    state::ConfigFile file{copy, ""};
    if (copy.exists)
      TRY_CONTEXT(repo::dump(repository, snapshot, config_in_snapshot(point.stack) + copy.path,
                             [&](std::string_view piece) -> Result<> {
                               file.bytes += piece;
                               return file.bytes.size() <= config_bytes_max
                                          ? ok()
                                          : Result<>{damaged("names a config file too large")};
                             }),
                  "config file '" + base::printable(copy.path) + "'");
    if (copy.exists && base::sha256_hex(file.bytes) != copy.sha256)
      return damaged("has another digest for '" + base::printable(copy.path) + "'");
    config.push_back(std::move(file));
  }
  return config;
}

Result<> check_point(repo::Repository& repository, const Snapshot& snapshot) {
  const state::RestorePoint point = TRY(read_manifest(repository, snapshot));
  TRY(read_config(repository, snapshot, point));
  repo::BlobReader reader{repository};
  for (const domain::Snapshot& store : point.snapshots)
    if (auto found = repo::node_at(reader, snapshot, store.kept); !found)
      return found.error().kind == ErrorKind::not_found
                 ? damaged("names store '" + base::printable(store.store) +
                           "', which is not in its snapshot")
                 : std::move(found).error();
  return ok();
}

namespace {

Result<std::vector<StoredPoint>> look(const Host& host, const RepoPorts& ports,
                                      const domain::Stack& stack, Where where,
                                      const TellWait& notice) {
  Trouble trouble{};
  const StackPlace place = TRY(stack_place(host, stack, where, notice));
  const auto depot = TRY(open_place(host, ports, place, trouble));
  return stored_points(TRY(depot->repository().snapshots()), stack.name);
}

Result<KnownPoint> known_of(const state::Folder& folder, const domain::Stack& stack,
                            const StoredPoint& stored) {
  KnownPoint known;
  known.point.id = stored.id;
  known.point.stack = stack.name;
  known.point.at = base::format_time(stored.snapshot.time.point());
  known.point.generation = stored.generation;
  known.torn = stored.torn;
  if (const auto ran = TRY(folder.generation(stored.generation)); ran && stored.generation > 0)
    known.point.label = ran->label;
  if (stored.snapshot.summary)
    known.bytes = stored.snapshot.summary->bytes;
  return known;
}

void tell_copies(std::vector<KnownPoint>& points) {
  for (KnownPoint& each : points)
    if (std::ranges::find(each.places, "repository") != each.places.end())
      each.has_copy = each.places.back() == "copy";
}

} // namespace

KnownPoint local_point(state::RestorePoint point) {
  KnownPoint known{.point = std::move(point), .places = {"local"}};
  for (const domain::Snapshot& snapshot : known.point.snapshots)
    known.bytes += snapshot.bytes;
  return known;
}

Result<KnownPoints> known_points(const Host& host, const RepoPorts& ports, const std::string& stack,
                                 const TellWait& notice) {
  KnownPoints known;
  for (state::RestorePoint& point : TRY(points(host)))
    known.points.push_back(local_point(std::move(point)));
  const auto loaded = load(host);
  if (!loaded) // while an operation is in progress belay.yaml may be anything
    return known;
  TRY(check_name(loaded.value(), stack));
  const domain::Stack& here = loaded.value().stack;
  if (!here.repository)
    return known;
  const auto folder = TRY(state::Folder::open(host.world, here.state_folder));
  for (const Where where : {Where::first, Where::copy}) {
    if (where == Where::copy && !here.repository->copy)
      continue;
    const std::string name = where == Where::first ? "repository" : "copy";
    const auto stored = look(host, ports, here, where, notice);
    if (!stored) {
      known.out_of_reach.push_back(Error{stored.error()}.context("the " + name));
      continue;
    }
    for (const StoredPoint& each : stored.value()) {
      auto same = std::ranges::find(known.points, each.id,
                                    [](const KnownPoint& one) { return one.point.id; });
      if (same == known.points.end())
        same = known.points.insert(known.points.end(), TRY(known_of(folder, here, each)));
      same->places.push_back(name);
    }
    if (where == Where::copy)
      tell_copies(known.points);
  }
  // By time, not by kind, as Folder::point_ids.
  std::ranges::stable_sort(known.points, {}, [](const KnownPoint& one) {
    return one.point.id.substr(one.point.id.find('-') + 1);
  });
  return known;
}

} // namespace app
