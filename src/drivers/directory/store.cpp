#include "drivers/directory/store.hpp"

#include "base/text.hpp"
#include "drivers/directory/server_data.hpp"

#include <algorithm>

namespace drivers::directory {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::Movement;
using world::Difference;

namespace {

constexpr std::size_t differences_max = 1000;
constexpr int links_max = 8;                       // on the way to a store
constexpr std::size_t tail_bytes_max = 64U << 20U; // above it no appended tail is cut out

Error still_written(const std::string& live, const std::string& path) {
  return {ErrorKind::conflict,
          "'" + base::printable(path) + "' in '" + live +
              "' changes although the services are stopped",
          "Find who else writes there (lsof), and stop it for the upgrade."};
}

} // namespace

// Where `path` leads, also when what it leads to is gone: a release deleted it, or a swap died
// between two renames.
Result<std::string> Store::real_path(std::string path) {
  for (int links = 0; links <= links_max; ++links) {
    auto real = world_.files.resolve(path);
    if (real || real.error().kind != ErrorKind::not_found)
      return real;
    const std::string folder =
        TRY_CONTEXT(world_.files.resolve(base::parent_of(path)), "folder of the store");
    path = folder + "/" + base::name_of_path(path);
    const auto info = TRY(world_.files.info(path));
    if (!info || info->kind != world::EntryKind::link)
      return path;
    path = base::absolute_path(TRY(world_.files.read_link(path)), folder);
  }
  return Error{ErrorKind::invalid_input, "'" + path + "' is one of too many links", ""};
}

Result<Store::Place> Store::place_of(const domain::StoreSpec& spec) {
  Place place;
  place.live = TRY(real_path(spec.path));
  const auto info = TRY(world_.files.info(place.live));
  place.is_mount_point = info && info->is_mount_point;
  place.exclude = spec.exclude;
  if (place.is_mount_point) {
    place.kept_folder = place.live + "/.belay";
    place.exclude.emplace_back(".belay");
  } else {
    place.kept_folder = base::parent_of(place.live) + "/.belay-" + base::name_of_path(place.live);
  }
  return place;
}

Result<domain::StoreState> Store::inspect(const domain::StoreSpec& spec) {
  const auto real = world_.files.resolve(spec.path);
  if (!real)
    return Error{ErrorKind::not_found, "'" + spec.path + "' does not exist",
                 "Create it (an empty folder is fine), or correct `directory:`."};
  const Place place = TRY(place_of(spec));
  domain::StoreState state;
  state.kept_folder = place.kept_folder;
  const auto info = TRY(world_.files.info(place.live));
  if (!info || info->kind != world::EntryKind::folder) {
    state.problems.push_back("'" + place.live + "' is not a folder");
    return state;
  }
  const world::SpaceInfo space = TRY(world_.files.space(place.live));
  state.free_bytes = space.free_bytes;
  if (space.is_read_only)
    state.problems.push_back("'" + place.live + "' is on a read-only file system");
  for (const std::string& path : spec.exclude)
    if (const auto excluded = TRY(world_.files.info(place.live + "/" + path));
        excluded && excluded->is_mount_point && !place.is_mount_point)
      state.problems.push_back("'" + place.live + "/" + path +
                               "' is a mount point, which would move with the folder around it");
  for (const std::string& folder : TRY(find_server_data(world_.files, place.live, place.exclude)))
    for (std::string& missing : TRY(missing_in_server_data(world_.files, folder)))
      state.problems.push_back(std::move(missing));
  auto size = world_.trees.size(place.live, place.exclude);
  if (!size) {
    state.problems.push_back(size.error().message);
    return state;
  }
  state.size = size.value();
  return state;
}

Result<> Store::refuse_live_servers(const Place& place) {
  for (const std::string& folder : TRY(find_server_data(world_.files, place.live, place.exclude)))
    TRY(refuse_unless_shut_down(world_.files, folder));
  return ok();
}

Result<domain::CaptureReport> Store::capture(const domain::StoreSpec& spec, const Place& place,
                                             const std::string& point, bool is_at_rest,
                                             const world::Progress& progress) {
  if (!TRY(world_.files.info(place.live)))
    return Error{ErrorKind::not_found, "'" + place.live + "' does not exist", ""};
  if (is_at_rest)
    TRY(refuse_live_servers(place));
  TRY(world_.files.create_folders(place.folder_of(point)));
  const auto capture = TRY(world_.trees.capture(
      place.live, place.tree_of(point), place.catalogue_of(point),
      {.exclude = place.exclude, .progress = progress, .is_source_at_rest = is_at_rest}));
  domain::CaptureReport report;
  report.snapshot.store = spec.name;
  report.snapshot.kept = place.tree_of(point);
  report.snapshot.digest = capture.digest;
  report.snapshot.files = capture.size.files;
  report.snapshot.bytes = capture.size.bytes;
  report.copied = capture.copied;
  report.torn = capture.torn;
  report.was_reflinked = capture.was_reflinked;
  return report;
}

Result<domain::CaptureReport> Store::protect(const domain::StoreSpec& spec,
                                             const std::string& point,
                                             const world::Progress& progress) {
  return capture(spec, TRY(place_of(spec)), point, false, progress);
}

Result<domain::CaptureReport> Store::secure(const domain::StoreSpec& spec, const std::string& point,
                                            const world::Progress& progress) {
  const Place place = TRY(place_of(spec));
  // At rest: a slow writer is not seen while one file is read.
  auto report = TRY(capture(spec, place, point, true, progress));
  if (!report.torn.empty())
    return still_written(place.live, report.torn.front());
  report.snapshot.is_secured = true;
  return report;
}

Result<> Store::verify(const domain::StoreSpec& spec, const domain::Snapshot& snapshot,
                       world::Depth depth) {
  const Place place = TRY(place_of(spec));
  const std::string catalogue = base::parent_of(snapshot.kept) + "/catalogue";
  if (!base::is_inside(snapshot.kept, place.kept_folder))
    return Error{ErrorKind::not_found, "'" + snapshot.kept + "' is not a copy of this store",
                 "Is the file system of the store mounted?"};
  return world_.trees.verify(snapshot.kept, catalogue, depth);
}

// False only for two files with different bytes.
Result<bool> Store::is_same_file(const std::string& a, const std::string& b) {
  for (const std::string& path : {a, b})
    if (const auto info = TRY(world_.files.info(path));
        !info || info->kind != world::EntryKind::file)
      return true;
  return TRY(world_.trees.file_digest(a)) == TRY(world_.trees.file_digest(b));
}

Result<domain::Evidence> Store::evidence(const domain::StoreSpec& spec,
                                         const domain::Snapshot& snapshot) {
  const Place place = TRY(place_of(spec));
  domain::Evidence evidence{spec.name, Movement::unreadable, ""};
  const auto compared = world_.trees.compare(snapshot.kept, place.live, place.exclude);
  if (!compared) {
    evidence.detail = compared.error().message;
    return evidence;
  }
  const auto& differences = compared.value();
  evidence.detail = base::plural(differences.size(), "entry differs", "entries differ");
  // A comparison believes equal sizes and times. What decides about the data is read.
  for (const std::string& path : spec.layout)
    if (!TRY(is_same_file(snapshot.kept + "/" + path, place.live + "/" + path))) {
      evidence.movement = Movement::layout;
      evidence.detail += ", layout file " + path + " among them";
      return evidence;
    }
  if (differences.empty()) {
    evidence.movement = Movement::none;
    return evidence;
  }
  evidence.movement = spec.layout.empty() ? Movement::layout : Movement::data_only;
  if (spec.layout.empty())
    evidence.detail += ", and no `layout:` tells which of them matter";
  for (const Difference& difference : differences)
    if (std::ranges::any_of(spec.layout, [&](const auto& path) {
          return base::is_inside(difference.path, path);
        })) {
      evidence.movement = Movement::layout;
      evidence.detail += ", layout file " + difference.path + " among them";
      break;
    }
  return evidence;
}

Result<domain::Abandoned> Store::restore(const domain::StoreSpec& spec,
                                         const domain::Snapshot& snapshot,
                                         const std::string& abandoned_id) {
  const Place place = TRY(place_of(spec));
  const std::string abandoned_folder = place.folder_of(abandoned_id);
  const bool has_begun = TRY(world_.files.info(abandoned_folder + "/swap")).has_value() ||
                         TRY(world_.files.info(abandoned_folder + "/incoming")).has_value();
  if (!has_begun) {
    TRY(verify(spec, snapshot, world::Depth::quick));
    for (const std::string& folder : TRY(find_server_data(world_.files, place.live, place.exclude)))
      TRY(refuse_running_server(world_.files, folder));
  }
  TRY(swap_in(world_, {.live = place.live,
                       .kept = snapshot.kept,
                       .abandoned = abandoned_folder,
                       .is_mount_point = place.is_mount_point,
                       .exclude = spec.exclude}));
  domain::Abandoned abandoned;
  abandoned.store = spec.name;
  abandoned.kept = place.tree_of(abandoned_id);
  if (const auto info = TRY(world_.files.info(abandoned.kept));
      info && info->kind != world::EntryKind::folder) {
    // A release had put something else in place of the folder.
    abandoned.files = 1;
    abandoned.bytes = info->size_bytes;
    abandoned.differences = 1;
    abandoned.written_since = {{Difference::Kind::changed, "", 0, info->size_bytes}};
    return abandoned;
  }
  const auto size = TRY(world_.trees.size(abandoned.kept, {}));
  abandoned.files = size.files;
  abandoned.bytes = size.bytes;
  auto written = TRY(world_.trees.compare(place.live, abandoned.kept, place.exclude));
  abandoned.differences = written.size();
  if (written.size() > differences_max)
    written.resize(differences_max);
  abandoned.written_since = std::move(written);
  return abandoned;
}

// A catalogue of its own makes the abandoned tree a snapshot like any other.
Result<domain::Snapshot> Store::adopt(const domain::StoreSpec& spec,
                                      const domain::Abandoned& abandoned) {
  const std::string catalogue = base::parent_of(abandoned.kept) + "/catalogue";
  const std::string digest = TRY(world_.trees.catalogue(abandoned.kept, catalogue));
  return domain::Snapshot{.store = spec.name,
                          .kept = abandoned.kept,
                          .digest = digest,
                          .files = abandoned.files,
                          .bytes = abandoned.bytes,
                          .is_secured = true};
}

// Beside the whole file, what was appended to it: most data that people want back is a log.
Result<> Store::export_file(const std::string& from, const std::string& restored,
                            const std::string& to) {
  const auto info = TRY(world_.files.info(from));
  if (!info || info->kind == world::EntryKind::other)
    return ok();
  if (info->kind == world::EntryKind::folder)
    return world_.files.create_folders(to);
  TRY(world_.files.create_folders(base::parent_of(to)));
  if (info->kind == world::EntryKind::link)
    return world_.files.replace_link(to, TRY(world_.files.read_link(from)));
  TRY(world_.trees.copy_file(from, to));
  const auto old_info = TRY(world_.files.info(restored));
  const bool can_compare = old_info && old_info->kind == world::EntryKind::file &&
                           old_info->size_bytes < info->size_bytes &&
                           info->size_bytes <= tail_bytes_max;
  if (!can_compare)
    return ok();
  const std::string before = TRY(world_.files.read(restored, tail_bytes_max));
  const std::string after = TRY(world_.files.read(from, tail_bytes_max));
  if (after.starts_with(before))
    TRY(world_.files.replace(to + ".appended", std::string_view{after}.substr(before.size())));
  return ok();
}

Result<> Store::export_written(const domain::StoreSpec& spec, const domain::Abandoned& abandoned,
                               const std::string& into) {
  const Place place = TRY(place_of(spec));
  TRY(world_.files.create_folders(into));
  for (const Difference& difference :
       TRY(world_.trees.compare(place.live, abandoned.kept, place.exclude)))
    if (difference.kind != Difference::Kind::removed)
      TRY(export_file(abandoned.kept + "/" + difference.path, place.live + "/" + difference.path,
                      into + "/" + difference.path));
  return ok();
}

Result<> Store::discard(const domain::StoreSpec& spec, const std::string& id) {
  CHECK(!id.empty() && !id.contains('/') && id.front() != '.');
  const Place place = TRY(place_of(spec));
  if (!TRY(world_.files.info(place.folder_of(id))))
    return ok();
  return world_.trees.remove(place.folder_of(id));
}

Result<std::optional<domain::LiveTree>> Store::live_tree(const domain::StoreSpec& spec) {
  const Place place = TRY(place_of(spec));
  TRY(refuse_live_servers(place));
  return std::optional{domain::LiveTree{place.live, place.exclude}};
}

Result<std::optional<std::string>> Store::kept_path(const domain::StoreSpec& spec,
                                                    const std::string& id) {
  return std::optional{TRY(place_of(spec)).tree_of(id)};
}

} // namespace drivers::directory
