#include "drivers/sqlite/store.hpp"

#include "base/text.hpp"
#include "drivers/sqlite/ledger.hpp"
#include "drivers/sqlite/swap.hpp"

#include <algorithm>

namespace drivers::sqlite {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::Movement;
using world::Difference;

// Where `path` is, or would be: the file may be away for a moment, behind a link or not.
Result<std::string> Store::real_path(const std::string& path, int links_left) {
  auto real = world_.files.resolve(path);
  if (real || real.error().kind != ErrorKind::not_found)
    return real;
  const std::string folder =
      TRY_CONTEXT(world_.files.resolve(base::parent_of(path)), "folder of the database");
  const auto info = TRY(world_.files.info(path));
  if (info && info->kind == world::EntryKind::link && links_left > 0)
    return real_path(base::absolute_path(TRY(world_.files.read_link(path)), folder),
                     links_left - 1);
  return folder + "/" + base::name_of_path(path);
}

Result<Store::Place> Store::place_of(const domain::StoreSpec& spec) {
  Place place;
  place.live = TRY(real_path(spec.path, 16));
  place.name = base::name_of_path(place.live);
  place.kept_folder = base::parent_of(place.live) + "/.belay-" + place.name;
  return place;
}

Result<std::uint64_t> Store::size_of(const std::string& path) {
  const auto info = TRY(world_.files.info(path));
  return info ? info->size_bytes : std::uint64_t{0};
}

Result<domain::StoreState> Store::inspect(const domain::StoreSpec& spec) {
  const Place place = TRY(place_of(spec));
  const auto info = TRY(world_.files.info(place.live));
  if (!info)
    return Error{ErrorKind::not_found, "'" + spec.path + "' does not exist",
                 "Correct `sqlite:`, or create the database."};
  domain::StoreState state;
  state.kept_folder = place.kept_folder;
  if (info->kind != world::EntryKind::file) {
    state.problems.push_back("'" + place.live + "' is not a file");
    return state;
  }
  const world::SpaceInfo space = TRY(world_.files.space(base::parent_of(place.live)));
  state.free_bytes = space.free_bytes;
  state.size = {1, info->size_bytes + TRY(size_of(place.live + "-wal"))};
  if (space.is_read_only)
    state.problems.push_back("'" + place.live + "' is on a read-only file system");
  if (info->is_mount_point)
    state.problems.push_back("'" + place.live +
                             "' is a mount point: mount its folder instead, a mounted file cannot "
                             "be renamed");
  if (const auto sound = world_.sqlite.check(place.live); !sound)
    state.problems.push_back(sound.error().message);
  else if (const auto read = read_ledgers(world_.sqlite, place.live, spec.ledger); !read)
    state.problems.push_back(read.error().message);
  return state;
}

Result<domain::CaptureReport> Store::capture(const domain::StoreSpec& spec, const Place& place,
                                             const std::string& point,
                                             const world::Progress& progress) {
  TRY(world_.files.create_folders(place.folder_of(point)));
  const std::string copy = place.file_of(point);
  TRY(world_.sqlite.backup(place.live, copy));
  TRY_CONTEXT(world_.sqlite.check(copy), "copy of the database");
  domain::CaptureReport report;
  report.snapshot.store = spec.name;
  report.snapshot.kept = copy;
  report.snapshot.digest = TRY(world_.trees.file_digest(copy));
  report.snapshot.files = 1;
  report.snapshot.bytes = TRY(size_of(copy));
  report.copied = {1, report.snapshot.bytes};
  if (progress)
    progress(report.snapshot.bytes, report.snapshot.bytes);
  return report;
}

Result<domain::CaptureReport> Store::protect(const domain::StoreSpec& spec,
                                             const std::string& point,
                                             const world::Progress& progress) {
  return capture(spec, TRY(place_of(spec)), point, progress);
}

// The writers are stopped, so what is copied and what is live must say the same, row by row.
Result<domain::CaptureReport> Store::secure(const domain::StoreSpec& spec, const std::string& point,
                                            const world::Progress& progress) {
  const Place place = TRY(place_of(spec));
  auto report = TRY(capture(spec, place, point, progress));
  const auto copied = TRY(world_.sqlite.fingerprint(report.snapshot.kept));
  if (copied != TRY(world_.sqlite.fingerprint(place.live)))
    return Error{ErrorKind::conflict,
                 "'" + place.live + "' changes although the services are stopped",
                 "Find who else writes there (lsof), and stop it for the upgrade."};
  report.snapshot.is_secured = true;
  return report;
}

Result<> Store::verify(const domain::StoreSpec& spec, const domain::Snapshot& snapshot,
                       world::Depth) {
  const Place place = TRY(place_of(spec));
  if (!base::is_inside(snapshot.kept, place.kept_folder) || !TRY(world_.files.info(snapshot.kept)))
    return Error{ErrorKind::not_found, "the kept copy '" + snapshot.kept + "' is gone",
                 "Choose another restore point: 'belay points'."};
  if (TRY(world_.trees.file_digest(snapshot.kept)) != snapshot.digest)
    return Error{ErrorKind::corrupt, "the kept copy '" + snapshot.kept + "' has changed",
                 "Choose another restore point: 'belay points'."};
  return world_.sqlite.check(snapshot.kept);
}

Result<domain::Evidence> Store::evidence(const domain::StoreSpec& spec,
                                         const domain::Snapshot& snapshot) {
  const Place place = TRY(place_of(spec));
  domain::Evidence evidence{spec.name, Movement::unreadable, ""};
  const auto sound = world_.sqlite.check(place.live);
  const auto live = sound ? world_.sqlite.fingerprint(place.live)
                          : Result<world::SqliteFingerprint>{sound.error()};
  if (!live) {
    evidence.detail = live.error().message;
    return evidence;
  }
  const auto kept = TRY(world_.sqlite.fingerprint(snapshot.kept));
  TRY(add_ledgers(spec, snapshot, evidence));
  if (live.value().schema_sha256 != kept.schema_sha256) {
    evidence.movement = Movement::layout;
    evidence.detail = "the schema changed";
  } else if (live.value().user_version != kept.user_version) {
    evidence.movement = Movement::layout;
    evidence.detail = "user_version went from " + std::to_string(kept.user_version) + " to " +
                      std::to_string(live.value().user_version);
  } else if (live.value().content_sha256 != kept.content_sha256) {
    evidence.movement = Movement::data_only;
    evidence.detail = std::to_string(kept.rows) + " rows then, " +
                      std::to_string(live.value().rows) + " now, the same schema";
  } else {
    evidence.movement = Movement::none;
    evidence.detail = std::to_string(kept.rows) + " rows";
  }
  return evidence;
}

// A ledger that cannot be read now is unknown, which is never "did not move".
Result<> Store::add_ledgers(const domain::StoreSpec& spec, const domain::Snapshot& snapshot,
                            domain::Evidence& evidence) {
  const auto now = ledgers(spec, nullptr);
  if (!now) {
    evidence.ledger_moved = "the ledger cannot be read: " + now.error().message;
    return ok();
  }
  evidence.layout = now.value().layout;
  evidence.ledger = domain::identity_of(now.value().ledgers);
  evidence.ledger_moved =
      domain::tell_movement(TRY(ledgers(spec, &snapshot)).ledgers, now.value().ledgers);
  return ok();
}

Result<domain::Abandoned> Store::restore(const domain::StoreSpec& spec,
                                         const domain::Snapshot& snapshot,
                                         const std::string& abandoned_id) {
  const Place place = TRY(place_of(spec));
  const SwapPaths paths{
      .live = place.live, .kept = snapshot.kept, .abandoned = place.folder_of(abandoned_id)};
  if (!TRY(has_begun(world_, paths)))
    TRY(verify(spec, snapshot, world::Depth::full));
  TRY(swap_in(world_, paths));
  domain::Abandoned abandoned;
  abandoned.store = spec.name;
  abandoned.kept = place.file_of(abandoned_id);
  if (!TRY(world_.files.info(abandoned.kept)))
    return abandoned; // nothing was live: nothing was written
  abandoned.files = 1;
  abandoned.bytes = TRY(size_of(abandoned.kept));
  TRY(add_written_since(place, abandoned));
  return abandoned;
}

Result<> Store::add_written_since(const Place& place, domain::Abandoned& abandoned) {
  abandoned.differences = 1;
  // With a companion beside it the database is damaged: it is left exactly as it was found.
  bool is_whole = true;
  for (const char* companion : companions)
    is_whole = is_whole && !TRY(world_.files.info(abandoned.kept + companion));
  if (is_whole) {
    const auto before = world_.sqlite.fingerprint(place.live);
    const auto after = world_.sqlite.fingerprint(abandoned.kept);
    if (before && after) {
      if (before.value() == after.value()) {
        abandoned.differences = 0;
        return ok();
      }
      const auto [fewer, more] = std::minmax(before.value().rows, after.value().rows);
      abandoned.differences = std::max<std::uint64_t>(1, more - fewer);
    }
  }
  abandoned.written_since = {
      {Difference::Kind::changed, place.name, TRY(size_of(place.live)), abandoned.bytes}};
  return ok();
}

Result<domain::Snapshot> Store::adopt(const domain::StoreSpec& spec,
                                      const domain::Abandoned& abandoned) {
  domain::Snapshot snapshot;
  snapshot.store = spec.name;
  snapshot.kept = abandoned.kept;
  snapshot.files = abandoned.files;
  snapshot.bytes = abandoned.bytes;
  snapshot.is_secured = true;
  if (TRY(world_.files.info(abandoned.kept)))
    snapshot.digest = TRY(world_.trees.file_digest(abandoned.kept));
  return snapshot;
}

Result<> Store::export_written(const domain::StoreSpec&, const domain::Abandoned& abandoned,
                               const std::string& into) {
  TRY(world_.files.create_folders(into));
  const std::string name = base::name_of_path(abandoned.kept);
  std::vector<std::string> endings{""};
  endings.insert(endings.end(), companions.begin(), companions.end());
  for (const std::string& ending : endings)
    if (TRY(world_.files.info(abandoned.kept + ending)))
      TRY(world_.trees.copy_file(abandoned.kept + ending, into + "/" + name + ending));
  return ok();
}

Result<> Store::discard(const domain::StoreSpec& spec, const std::string& id) {
  CHECK(!id.empty() && !id.contains('/') && id.front() != '.');
  const Place place = TRY(place_of(spec));
  if (!TRY(world_.files.info(place.folder_of(id))))
    return ok();
  return world_.trees.remove(place.folder_of(id));
}

Result<std::optional<std::string>> Store::kept_path(const domain::StoreSpec& spec,
                                                    const std::string& id) {
  return std::optional{TRY(place_of(spec)).file_of(id)};
}

} // namespace drivers::sqlite
