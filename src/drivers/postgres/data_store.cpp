#include "drivers/postgres/data_store.hpp"

#include "base/text.hpp"

namespace drivers::postgres {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr std::size_t record_bytes_max = 256U << 20U;

bool is_data(const domain::StoreSpec& spec) {
  return !spec.path.empty();
}

std::string record_of(const std::string& kept) {
  return base::parent_of(kept) + "/proved.json";
}

} // namespace

domain::Store& DataStore::keeper_of(const domain::StoreSpec& spec) const {
  return is_data(spec) ? directory_ : databases_;
}

// Beside the data, on its file system: the copy is made of shared blocks where it can be.
Result<std::string> DataStore::scratch_of(const domain::StoreSpec& spec) {
  const auto real = world_.files.resolve(spec.path);
  const std::string path = real ? real.value() : spec.path; // a release may have deleted it
  return base::parent_of(path) + "/.belay-proof-" + base::name_of_path(path);
}

Result<domain::StoreState> DataStore::inspect(const domain::StoreSpec& spec) {
  domain::StoreState state = TRY(keeper_of(spec).inspect(spec));
  if (!is_data(spec))
    return state;
  const auto forbid = [&](std::string problem) { state.problems.push_back(std::move(problem)); };
  const std::string real = TRY(world_.files.resolve(spec.path));
  if (!TRY(world_.files.info(real + "/PG_VERSION")) ||
      !TRY(world_.files.info(real + "/global/pg_control"))) {
    forbid("'" + real + "' is no data folder of a PostgreSQL server");
    return state;
  }
  if (const auto info = TRY(world_.files.info(real)); info && info->is_mount_point)
    forbid("'" + real +
           "' is a mount point: mount the folder above it, so that the data folder "
           "can be exchanged by one rename");
  if (TRY(world_.files.info(real + "/standby.signal")))
    forbid("'" + real +
           "' is the data of a standby (standby.signal), which would follow its "
           "primary again: keep the primary");
  if (const auto tools = DataTools::find(world_, spec.postgres, real); !tools)
    forbid(tools.error().message + ". " + tools.error().hint);
  // The throwaway server has a copy of its own.
  if (!TRY(world_.files.space(real)).has_reflink && state.free_bytes < 2 * state.size.bytes)
    forbid("the kept copy and the one it is proved on need " +
           base::format_bytes(2 * state.size.bytes) + ", and " +
           base::format_bytes(state.free_bytes) + " are free");
  return state;
}

Result<HotCopy> DataStore::hot_copy(const domain::StoreSpec& spec, const std::string& data,
                                    const RunningServer& server) {
  return HotCopy::of(world_, TRY(DataTools::find(world_, spec.postgres, data)), read_secret_,
                     server);
}

Result<domain::CaptureReport> DataStore::protect(const domain::StoreSpec& spec,
                                                 const std::string& point,
                                                 const world::Progress& progress) {
  return keeper_of(spec).protect(spec, point, progress);
}

Result<domain::CaptureReport> DataStore::secure(const domain::StoreSpec& spec,
                                                const std::string& point,
                                                const world::Progress& progress) {
  auto report = TRY(keeper_of(spec).secure(spec, point, progress));
  if (!is_data(spec))
    return report;
  const std::string& kept = report.snapshot.kept;
  const Proof proof =
      TRY_CONTEXT(postgres::prove(world_, spec.postgres, kept, TRY(scratch_of(spec))),
                  "the copy of the data folder is not proved");
  TRY(world_.files.replace(record_of(kept), to_json(proof)));
  return report;
}

Result<domain::CaptureReport> DataStore::take_out(const domain::StoreSpec& spec,
                                                  const std::string& point,
                                                  const world::Progress& progress) {
  if (!is_data(spec))
    return databases_.take_out(spec, point, progress);
  const std::string real = TRY(world_.files.resolve(spec.path));
  if (const auto server = TRY(running_server(world_.files, real)))
    return take_hot(spec, real, *server, point);
  return directory_.secure(spec, point, progress);
}

// What is below its own name in `.belay-...` is whole: it comes there by a rename.
Result<domain::CaptureReport> DataStore::take_hot(const domain::StoreSpec& spec,
                                                  const std::string& data,
                                                  const RunningServer& server,
                                                  const std::string& point) {
  const HotCopy hot = TRY(hot_copy(spec, data, server));
  TRY(hot.check(data));
  const auto kept = TRY(directory_.kept_path(spec, point));
  CHECK(kept);
  const std::string scratch = TRY(scratch_of(spec));
  const auto taken = [&]() -> Result<> {
    const std::string copy = TRY(hot.take(scratch, "belay " + point));
    TRY(world_.trees.copy_root_metadata(data, copy));
    TRY(directory_.discard(spec, point)); // of an earlier try
    TRY(world_.files.create_folders(base::parent_of(*kept)));
    return world_.files.rename(copy, *kept);
  }();
  const auto removed = remove_throwaway(world_, scratch);
  TRY(taken);
  TRY(removed);
  const auto size = TRY(world_.trees.size(*kept, {}));
  domain::CaptureReport report;
  report.snapshot = TRY(directory_.adopt(
      spec, {.store = spec.name, .kept = *kept, .files = size.files, .bytes = size.bytes}));
  report.snapshot.is_secured = false; // the writers were at work
  report.copied = size;
  return report;
}

Result<> DataStore::verify(const domain::StoreSpec& spec, const domain::Snapshot& snapshot,
                           world::Depth depth) {
  TRY(keeper_of(spec).verify(spec, snapshot, depth));
  if (depth == world::Depth::quick || !is_data(spec))
    return ok();
  const Proof found =
      TRY(postgres::prove(world_, spec.postgres, snapshot.kept, TRY(scratch_of(spec))));
  const std::string path = record_of(snapshot.kept);
  if (!TRY(world_.files.info(path))) // from a repository, or abandoned: its bytes were compared
    return ok();
  const Proof wanted = TRY(proof_from(TRY(world_.files.read(path, record_bytes_max)), path));
  if (const std::string differs = tell(wanted, found); !differs.empty())
    return Error{ErrorKind::corrupt, "'" + snapshot.kept + "' is not what it was: " + differs, ""};
  return ok();
}

// That verify() was content means that a server of its own ran on it.
Result<> DataStore::prove(const domain::StoreSpec& spec, const domain::Snapshot& snapshot) {
  return is_data(spec) ? ok() : databases_.prove(spec, snapshot);
}

Result<domain::Evidence> DataStore::evidence(const domain::StoreSpec& spec,
                                             const domain::Snapshot& snapshot) {
  auto evidence = TRY(keeper_of(spec).evidence(spec, snapshot));
  if (is_data(spec) && evidence.movement == domain::Movement::layout)
    evidence.detail = "the server ran: files of a data folder do not tell what moved in it";
  return evidence;
}

Result<domain::Abandoned> DataStore::restore(const domain::StoreSpec& spec,
                                             const domain::Snapshot& snapshot,
                                             const std::string& abandoned_id) {
  return keeper_of(spec).restore(spec, snapshot, abandoned_id);
}

Result<domain::Snapshot> DataStore::adopt(const domain::StoreSpec& spec,
                                          const domain::Abandoned& abandoned) {
  return keeper_of(spec).adopt(spec, abandoned);
}

Result<> DataStore::export_written(const domain::StoreSpec& spec,
                                   const domain::Abandoned& abandoned, const std::string& into) {
  if (!is_data(spec))
    return databases_.export_written(spec, abandoned, into);
  TRY(world_.files.create_folders(into));
  const Throwaway server{world_, TRY(DataTools::find(world_, spec.postgres, abandoned.kept)),
                         TRY(scratch_of(spec))};
  auto dumped = [&]() -> Result<> {
    TRY(server.start(abandoned.kept));
    return server.dump_all(into + "/all.sql");
  }();
  TRY(server.remove());
  return dumped;
}

Result<> DataStore::discard(const domain::StoreSpec& spec, const std::string& id) {
  if (is_data(spec))
    TRY(remove_throwaway(world_, TRY(scratch_of(spec))));
  return keeper_of(spec).discard(spec, id);
}

Result<> DataStore::let_in(const domain::StoreSpec& spec) {
  if (!is_data(spec))
    return databases_.let_in(spec);
  return remove_throwaway(world_, TRY(scratch_of(spec)));
}

Result<std::optional<std::string>> DataStore::kept_path(const domain::StoreSpec& spec,
                                                        const std::string& id) {
  return keeper_of(spec).kept_path(spec, id);
}

Result<domain::LedgerState> DataStore::ledgers(const domain::StoreSpec& spec,
                                               const domain::Snapshot* kept) {
  return keeper_of(spec).ledgers(spec, kept);
}

Result<domain::FolderState> DataStore::migrations(const domain::StoreSpec& spec,
                                                  const domain::MigrationSpec& migration,
                                                  const std::string& folder) {
  return keeper_of(spec).migrations(spec, migration, folder);
}

Result<> DataStore::migrate(const domain::StoreSpec& spec, const domain::MigrationFile& file,
                            const std::string& at, domain::Milliseconds timeout) {
  return keeper_of(spec).migrate(spec, file, at, timeout);
}

bool DataStore::can_rehearse() const {
  return databases_.can_rehearse();
}

Result<std::string> DataStore::why_no_rehearsal(const domain::StoreSpec& spec,
                                                const domain::RehearsalRequest& request) {
  return keeper_of(spec).why_no_rehearsal(spec, request);
}

Result<domain::Rehearsal> DataStore::rehearse(const domain::StoreSpec& spec,
                                              const domain::RehearsalRequest& request) {
  return keeper_of(spec).rehearse(spec, request);
}

} // namespace drivers::postgres
