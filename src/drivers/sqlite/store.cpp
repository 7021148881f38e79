#include "drivers/sqlite/store.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace drivers::sqlite {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::Movement;
using world::Difference;

namespace {

// Files that SQLite keeps beside a database; never to be found beside another one.
constexpr std::array companions{"-wal", "-shm", "-journal"};

} // namespace

Result<Store::Place> Store::place_of(const domain::StoreSpec& spec) {
  Place place;
  auto real = world_.files.resolve(spec.path);
  if (!real && real.error().kind != ErrorKind::not_found)
    return std::move(real).error();
  place.live = real ? real.value()
                    : TRY_CONTEXT(world_.files.resolve(base::parent_of(spec.path)),
                                  "folder of the database") +
                          "/" + base::name_of_path(spec.path);
  place.name = base::name_of_path(place.live);
  place.kept_folder = base::parent_of(place.live) + "/.belay-" + place.name;
  return place;
}

Result<std::uint64_t> Store::size_of(const std::string& path) {
  const auto info = TRY(world_.files.info(path));
  return info ? info->size_bytes : std::uint64_t{0};
}

Result<domain::StoreState> Store::inspect(const domain::StoreSpec& spec) {
  if (const auto real = world_.files.resolve(spec.path); !real)
    return Error{ErrorKind::not_found, "'" + spec.path + "' does not exist",
                 "Correct `sqlite:`, or create the database."};
  const Place place = TRY(place_of(spec));
  domain::StoreState state;
  state.kept_folder = place.kept_folder;
  const world::SpaceInfo space = TRY(world_.files.space(base::parent_of(place.live)));
  state.free_bytes = space.free_bytes;
  state.size = {1, TRY(size_of(place.live)) + TRY(size_of(place.live + "-wal"))};
  if (space.is_read_only)
    state.problems.push_back("'" + place.live + "' is on a read-only file system");
  if (const auto sound = world_.sqlite.check(place.live); !sound)
    state.problems.push_back(sound.error().message);
  if (space.free_bytes < state.size.bytes)
    state.problems.push_back("the copy of '" + place.live + "' needs " +
                             base::format_bytes(state.size.bytes) + ", free is " +
                             base::format_bytes(space.free_bytes));
  return state;
}

Result<domain::CaptureReport> Store::capture(const domain::StoreSpec& spec, const Place& place,
                                             const std::string& point) {
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
  return report;
}

Result<domain::CaptureReport> Store::protect(const domain::StoreSpec& spec,
                                             const std::string& point, const world::Progress&) {
  return capture(spec, TRY(place_of(spec)), point);
}

// The writers are stopped, so what is copied and what is live must say the same, row by row.
Result<domain::CaptureReport> Store::secure(const domain::StoreSpec& spec, const std::string& point,
                                            const world::Progress&) {
  const Place place = TRY(place_of(spec));
  auto report = TRY(capture(spec, place, point));
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

Result<> Store::move_aside(const std::string& path, const std::string& folder) {
  if (!TRY(world_.files.info(path)))
    return ok();
  return world_.files.rename(path, folder + "/" + base::name_of_path(path));
}

// Each name is at one place or the other, so that after a crash it is plain what is left to do:
//   1. live -> abandoned/NAME with its companions   2. kept -> live
// No companion may ever stand beside a database that is not its own: SQLite would replay a foreign
// WAL into it. So the companions go first, and the copy, which has none, comes last.
Result<> Store::swap_in(const Place& place, const std::string& kept, const std::string& folder) {
  TRY(world_.files.create_folders(folder));
  const std::string incoming = folder + "/incoming";
  const std::string out = folder + "/" + place.name;
  if (TRY(world_.files.info(kept)) && !TRY(world_.files.info(incoming)))
    TRY(world_.files.rename(kept, incoming));
  if (!TRY(world_.files.info(incoming)))
    return ok(); // it is live already
  if (TRY(world_.files.info(place.live)) && !TRY(world_.files.info(out))) {
    // Nobody uses it: fold the WAL in, so that the abandoned database is one whole file. Where it
    // is damaged that fails; then its companions go with it as they are.
    if (auto folded = world_.sqlite.fold(place.live);
        !folded && folded.error().kind != ErrorKind::corrupt)
      return folded;
    for (const char* companion : companions)
      TRY(move_aside(place.live + companion, folder));
    TRY(world_.files.rename(place.live, out));
  }
  for (const char* companion : companions) // of a database that was deleted alone
    TRY(move_aside(place.live + companion, folder));
  return world_.files.rename(incoming, place.live);
}

Result<domain::Abandoned> Store::restore(const domain::StoreSpec& spec,
                                         const domain::Snapshot& snapshot,
                                         const std::string& abandoned_id) {
  const Place place = TRY(place_of(spec));
  const std::string folder = place.folder_of(abandoned_id);
  if (!TRY(world_.files.info(folder)))
    TRY(verify(spec, snapshot, world::Depth::full));
  TRY(swap_in(place, snapshot.kept, folder));
  domain::Abandoned abandoned;
  abandoned.store = spec.name;
  abandoned.kept = folder + "/" + place.name;
  abandoned.bytes = TRY(size_of(abandoned.kept));
  abandoned.files = abandoned.bytes == 0 ? 0 : 1;
  const auto before = world_.sqlite.fingerprint(place.live);
  const auto after = world_.sqlite.fingerprint(abandoned.kept);
  if (!before || !after || before.value() != after.value()) {
    abandoned.differences = 1;
    abandoned.written_since = {
        {Difference::Kind::changed, place.name, TRY(size_of(place.live)), abandoned.bytes}};
  }
  return abandoned;
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
  const std::string folder = base::parent_of(abandoned.kept);
  for (const std::string& name : TRY(world_.files.list(folder)))
    TRY(world_.trees.copy_file(folder + "/" + name, into + "/" + name));
  return ok();
}

Result<> Store::discard(const domain::StoreSpec& spec, const std::string& id) {
  CHECK(!id.empty() && !id.contains('/') && id.front() != '.');
  const Place place = TRY(place_of(spec));
  if (!TRY(world_.files.info(place.folder_of(id))))
    return ok();
  return world_.trees.remove(place.folder_of(id));
}

} // namespace drivers::sqlite
