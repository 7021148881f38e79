#include "drivers/postgres/store.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"
#include "drivers/postgres/ledger.hpp"
#include "drivers/postgres/migrations.hpp"
#include "drivers/postgres/names.hpp"
#include "drivers/postgres/room.hpp"
#include "drivers/postgres/written.hpp"

#include <array>

namespace drivers::postgres {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::Movement;
using domain::PostgresMethod;

namespace {

constexpr std::size_t record_bytes_max = 256U << 20U;
// What is compared row by row while somebody waits.
constexpr std::uint64_t compared_bytes_max = 256U << 20U;

std::string record_path(const std::string& folder) {
  return folder + "/database.json";
}

Error gone(const std::string& kept) {
  return {ErrorKind::not_found, "the kept copy '" + kept + "' is gone",
          "Choose another restore point: 'belay points'."};
}

domain::Snapshot snapshot_of(const domain::StoreSpec& spec, const std::string& folder,
                             const Kept& kept, std::string digest) {
  domain::Snapshot snapshot;
  snapshot.store = spec.name;
  snapshot.kept = folder;
  snapshot.digest = std::move(digest);
  snapshot.files = kept.as == KeptAs::dump ? 2 : 1;
  snapshot.bytes = kept.as == KeptAs::dump ? kept.dump_bytes : kept.bytes;
  return snapshot;
}

} // namespace

Server Store::server_of(const domain::StoreSpec& spec) const {
  return Server{Psql{world_, Reach{spec.postgres, site_.read_secret}}};
}

std::string Store::base_of(const domain::StoreSpec& spec) const {
  return site_.state_folder + "/postgres/" + spec.name;
}

std::string Store::folder_of(const domain::StoreSpec& spec, const std::string& id) const {
  return base_of(spec) + "/" + id;
}

Fences Store::fences_of(const domain::StoreSpec& spec, const Server& server) const {
  return Fences{world_, server, base_of(spec) + "/fenced"};
}

Result<Kept> Store::read_kept(const std::string& folder) {
  auto text = world_.files.read(record_path(folder), record_bytes_max);
  if (!text && text.error().kind == ErrorKind::not_found)
    return gone(folder);
  return kept_from(TRY(std::move(text)), record_path(folder));
}

Result<std::string> Store::write_kept(const std::string& folder, const Kept& kept) {
  const std::string text = to_json(kept);
  TRY(world_.files.replace(record_path(folder), text));
  return base::sha256_hex(text);
}

// Everything that holds of the live database now, whichever way it is kept.
Result<Kept> Store::begun(const Server& server, const Facts& facts) {
  const std::string& database = server.spec().database;
  const auto info = TRY(server.find(database));
  if (!info)
    return Error{ErrorKind::not_found, "there is no database '" + database + "'", ""};
  Kept kept;
  kept.live = database;
  kept.server_version = facts.version;
  kept.system = facts.system;
  kept.bytes = info->bytes;
  kept.settings = TRY(server.settings_of(database));
  kept.counters = TRY(counters_of(server.psql(), database));
  return kept;
}

Result<bool> Store::clones(const Server& server, const Facts& facts, std::uint64_t bytes) {
  if (server.spec().method != PostgresMethod::automatic)
    return server.spec().method == PostgresMethod::clone;
  if (!facts.workers.empty()) // they would come back as soon as they are ended
    return false;
  const auto free = free_on_server(world_, server, facts);
  return !free || *free >= bytes + bytes / 5;
}

Result<domain::StoreState> Store::inspect(const domain::StoreSpec& spec) {
  const Server server = server_of(spec);
  const Facts facts = TRY(server.facts());
  const auto info = TRY(server.find(spec.postgres.database));
  domain::StoreState state;
  state.size = {1, info ? info->bytes : 0};
  state.problems = problems_of(server, facts);
  const auto free = free_on_server(world_, server, facts);
  state.free_bytes = free.value_or(state.size.bytes);
  if (spec.postgres.method == PostgresMethod::clone && !facts.workers.empty())
    state.problems.push_back("background workers are connected to the database (" +
                             base::join(facts.workers, ", ") +
                             "), so that it cannot be copied as it is. Say `method: dump`");
  if (!TRY(clones(server, facts, state.size.bytes)))
    if (const auto here = world_.files.space(site_.state_folder))
      state.free_bytes = std::min(state.free_bytes, here.value().free_bytes);
  if (info && !info->takes_connections && !TRY(world_.files.info(base_of(spec) + "/fenced")))
    state.problems.push_back("nobody may connect to the database: ALTER DATABASE " +
                             ident(spec.postgres.database) + " ALLOW_CONNECTIONS true;");
  else if (const auto read = read_ledgers(server.psql(), spec.postgres.database, spec.ledger);
           !read)
    state.problems.push_back(read.error().message);
  return state;
}

Result<domain::CaptureReport> Store::protect(const domain::StoreSpec& spec,
                                             const std::string& point,
                                             const world::Progress& progress) {
  const Server server = server_of(spec);
  const Facts facts = TRY(server.facts());
  const Kept now = TRY(begun(server, facts));
  if (!TRY(clones(server, facts, now.bytes)))
    return take_out(spec, point, progress);
  domain::CaptureReport report;
  report.snapshot = snapshot_of(spec, folder_of(spec, point), now, "");
  return report;
}

Result<domain::CaptureReport> Store::take_out(const domain::StoreSpec& spec,
                                              const std::string& point, const world::Progress&) {
  const Server server = server_of(spec);
  return capture_dump(spec, server, TRY(server.facts()), point);
}

Result<domain::CaptureReport> Store::secure(const domain::StoreSpec& spec, const std::string& point,
                                            const world::Progress&) {
  const Server server = server_of(spec);
  Fences fences = fences_of(spec, server);
  TRY(fences.take_down());
  const Facts facts = TRY(server.facts());
  const auto info = TRY(server.find(spec.postgres.database));
  auto report = TRY(clones(server, facts, info ? info->bytes : 0))
                    ? TRY(capture_clone(spec, server, facts, point))
                    : TRY(capture_dump(spec, server, facts, point));
  // All of it was read back on the way.
  TRY_CONTEXT(verify(spec, report.snapshot, world::Depth::quick), "what was just secured");
  report.snapshot.is_secured = true;
  return report;
}

Result<domain::CaptureReport> Store::capture_clone(const domain::StoreSpec& spec,
                                                   const Server& server, const Facts& facts,
                                                   const std::string& point) {
  const std::string& live = spec.postgres.database;
  const std::string folder = folder_of(spec, point);
  Kept kept = TRY(begun(server, facts));
  kept.database = clone_name(live, point);
  TRY(world_.files.create_folders(folder));
  TRY(world_.files.remove(record_path(folder))); // of an earlier try, whose clone goes now
  Fences fences = fences_of(spec, server);
  TRY(fences.put_up({live}));
  const auto cloned =
      server.clone(live, kept.database, "belay: '" + live + "' as of restore point " + point);
  TRY(fences.take_down());
  TRY(cloned);
  TRY(describe(spec, server, kept));
  if (const auto lines = TRY(layout_of(server.psql(), live, {.timeout = spec.postgres.timeout}));
      lines != kept.layout_lines)
    return Error{ErrorKind::conflict,
                 "database '" + live + "' changes although the services are stopped: " +
                     tell_layout(kept.layout_lines, lines),
                 "Find who else writes there (pg_stat_activity), and stop it for the upgrade."};
  domain::CaptureReport report;
  report.snapshot = snapshot_of(spec, folder, kept, TRY(write_kept(folder, kept)));
  report.copied = {1, kept.bytes};
  return report;
}

Result<domain::CaptureReport> Store::capture_dump(const domain::StoreSpec& spec,
                                                  const Server& server, const Facts& facts,
                                                  const std::string& point) {
  const std::string folder = folder_of(spec, point);
  Kept kept = TRY(begun(server, facts));
  kept.as = KeptAs::dump;
  TRY(world_.files.create_folders(folder));
  TRY(world_.files.remove(record_path(folder)));
  kept.ledgers = TRY(read_ledgers(server.psql(), spec.postgres.database, spec.ledger));
  const Dumps dumps{world_, server};
  TRY(dumps.take(dump_path(folder), kept));
  TRY_CONTEXT(dumps.prove(dump_path(folder), kept, proof_name(spec.postgres.database, point)),
              "restoring the dump to prove it");
  domain::CaptureReport report;
  report.snapshot = snapshot_of(spec, folder, kept, TRY(write_kept(folder, kept)));
  report.copied = {2, kept.dump_bytes};
  return report;
}

// Reads all that a kept database holds, so that a page that cannot be read is found now.
Result<> Store::describe(const domain::StoreSpec& spec, const Server& server, Kept& kept) {
  const RunOptions options{.timeout = spec.postgres.timeout};
  const auto info = TRY(server.find(kept.database));
  if (!info)
    return gone(kept.database);
  kept.oid = info->oid;
  kept.bytes = info->bytes;
  kept.layout_lines = TRY(layout_of(server.psql(), kept.database, options));
  kept.layout = digest_of_layout(kept.layout_lines);
  kept.reading = Reading::counts;
  kept.content = TRY(content_of(server.psql(), kept.database, kept.reading, options));
  kept.ledgers = TRY(read_ledgers(server.psql(), kept.database, spec.ledger));
  return ok();
}

Result<> Store::let_in(const domain::StoreSpec& spec) {
  const Server server = server_of(spec);
  return fences_of(spec, server).take_down();
}

Result<> Store::verify(const domain::StoreSpec& spec, const domain::Snapshot& snapshot,
                       world::Depth depth) {
  auto text = world_.files.read(record_path(snapshot.kept), record_bytes_max);
  if (!base::is_inside(snapshot.kept, base_of(spec)) || !text)
    return gone(snapshot.kept);
  const Error changed{ErrorKind::corrupt, "the kept copy '" + snapshot.kept + "' has changed",
                      "Choose another restore point: 'belay points'."};
  if (base::sha256_hex(text.value()) != snapshot.digest)
    return changed;
  const Kept kept = TRY(kept_from(text.value(), record_path(snapshot.kept)));
  if (kept.as == KeptAs::dump) {
    const auto info = TRY(world_.files.info(dump_path(snapshot.kept)));
    if (!info)
      return gone(dump_path(snapshot.kept));
    if (info->size_bytes != kept.dump_bytes ||
        (depth == world::Depth::full &&
         TRY(world_.trees.file_digest(dump_path(snapshot.kept))) != kept.dump_sha256))
      return changed;
    return ok();
  }
  const Server server = server_of(spec);
  const auto info = TRY(server.find(kept.database));
  if (!info || info->oid != kept.oid)
    return gone(kept.database);
  if (depth != world::Depth::full)
    return ok();
  const RunOptions options{.timeout = spec.postgres.timeout};
  if (digest_of_layout(TRY(layout_of(server.psql(), kept.database, options))) != kept.layout ||
      !tell_content(kept.content,
                    TRY(content_of(server.psql(), kept.database, Reading::counts, options)))
           .empty())
    return changed;
  return ok();
}

Result<domain::Evidence> Store::evidence(const domain::StoreSpec& spec,
                                         const domain::Snapshot& snapshot) {
  domain::Evidence evidence{spec.name, Movement::unreadable, ""};
  const Server server = server_of(spec);
  const RunOptions options{.timeout = spec.postgres.timeout};
  const Kept kept = TRY(read_kept(snapshot.kept));
  const auto now = layout_of(server.psql(), spec.postgres.database, options);
  if (!now) {
    evidence.detail = now.error().message;
    return evidence;
  }
  evidence.layout = digest_of_layout(now.value());
  const auto ledgers = read_ledgers(server.psql(), spec.postgres.database, spec.ledger);
  if (ledgers) {
    evidence.ledger = domain::identity_of(ledgers.value());
    evidence.ledger_moved = domain::tell_movement(kept.ledgers, ledgers.value());
  } else { // unknown, which is never "did not move"
    evidence.ledger_moved = "the ledger cannot be read: " + ledgers.error().message;
  }
  const auto info = TRY(server.find(spec.postgres.database));
  if (auto compared = compare_content(server, kept, info ? info->bytes : 0, evidence); !compared) {
    evidence.detail = compared.error().message;
    return evidence;
  }
  if (evidence.layout != kept.layout) {
    evidence.movement = Movement::layout;
    evidence.detail =
        tell_layout(kept.layout_lines, now.value()) + "; written since: " + evidence.detail;
  }
  return evidence;
}

// How much was written since: row by row where that is quick, else as the server has counted.
Result<> Store::compare_content(const Server& server, const Kept& kept, std::uint64_t bytes,
                                domain::Evidence& evidence) {
  const std::string& live = server.spec().database;
  const RunOptions options{.timeout = server.spec().timeout};
  evidence.movement = Movement::data_only;
  if (kept.as == KeptAs::database && bytes <= compared_bytes_max) {
    Writings writings{world_, server,
                      site_.state_folder + "/postgres/compare-" + world_.random.hex(8)};
    const Written written = TRY(writings.count(kept.database, live));
    evidence.detail = tell(written);
    if (written.rows() == 0)
      evidence.movement = Movement::none;
    return ok();
  }
  if (bytes > compared_bytes_max) { // reading all of it would decide nothing, and cost downtime
    const auto counted =
        tell_counted(kept.counters, TRY(counters_of(server.psql(), server.spec().database)));
    evidence.detail =
        counted.value_or(base::format_bytes(bytes) + ", too much to compare while somebody waits");
    return ok();
  }
  Content then = kept.content;
  if (kept.reading == Reading::counts)
    for (TableContent& table : then)
      if (!table.name.starts_with("sequence "))
        table.hash.clear();
  const Content now = TRY(content_of(server.psql(), live, kept.reading, options));
  evidence.detail = tell_content(then, now);
  if (evidence.detail.empty() && kept.reading != Reading::counts)
    evidence.movement = Movement::none;
  if (evidence.detail.empty())
    evidence.detail = base::plural(rows_of(now), "row", "rows") +
                      (kept.reading == Reading::counts ? ", compared by their counts alone" : "");
  return ok();
}

Result<SwapRecord> Store::begin_swap(const domain::StoreSpec& spec, const Server& server,
                                     const Kept& kept, const domain::Snapshot& snapshot,
                                     const std::string& abandoned_id) {
  const std::string& live = spec.postgres.database;
  const std::string folder = folder_of(spec, abandoned_id);
  TRY(world_.files.create_folders(folder));
  SwapRecord swap;
  if (kept.as == KeptAs::dump) {
    TRY(verify(spec, snapshot, world::Depth::full));
    swap.incoming = restore_name(live, abandoned_id);
    TRY(Dumps(world_, server).restore(dump_path(snapshot.kept), kept, swap.incoming));
  } else {
    TRY(verify(spec, snapshot, world::Depth::quick));
    swap.incoming = kept.database;
  }
  const auto incoming = TRY(server.find(swap.incoming));
  swap.incoming_oid = incoming ? incoming->oid : 0;
  if (const auto now = TRY(server.find(live))) {
    swap.live_oid = now->oid;
    Kept out;
    out.live = live;
    out.database = abandoned_name(live, abandoned_id);
    out.oid = now->oid;
    out.bytes = now->bytes;
    out.server_version = kept.server_version;
    out.system = kept.system;
    out.settings = TRY(server.settings_of(live));
    TRY(write_kept(folder, out));
  }
  TRY(world_.files.replace(folder + "/swap.json", to_json(swap)));
  return swap;
}

Result<domain::Abandoned> Store::restore(const domain::StoreSpec& spec,
                                         const domain::Snapshot& snapshot,
                                         const std::string& abandoned_id) {
  const Server server = server_of(spec);
  Fences fences = fences_of(spec, server);
  TRY(fences.take_down());
  const Kept kept = TRY(read_kept(snapshot.kept));
  const std::string folder = folder_of(spec, abandoned_id);
  const std::string swap_path = folder + "/swap.json";
  const SwapRecord swap = TRY(world_.files.info(swap_path))
                              ? TRY(swap_from(TRY(world_.files.read(swap_path, 65536)), swap_path))
                              : TRY(begin_swap(spec, server, kept, snapshot, abandoned_id));
  const std::string out = abandoned_name(spec.postgres.database, abandoned_id);
  TRY(swap_in(server, fences, swap, out, kept.settings));
  domain::Abandoned abandoned;
  abandoned.store = spec.name;
  abandoned.kept = folder;
  if (swap.live_oid == 0)
    return abandoned; // nothing was live: nothing was written
  abandoned.files = 1;
  TRY(add_written_since(server, out, abandoned));
  return abandoned;
}

// What cannot be read is abandoned all the same.
Result<> Store::add_written_since(const Server& server, const std::string& database,
                                  domain::Abandoned& abandoned) {
  using Difference = world::Difference;
  const auto info = TRY(server.find(database));
  abandoned.bytes = info ? info->bytes : 0;
  abandoned.differences = 1;
  abandoned.written_since = {
      {Difference::Kind::changed, database, abandoned.bytes, abandoned.bytes}};
  if (abandoned.bytes > compared_bytes_max)
    return ok();
  Writings writings{world_, server,
                    site_.state_folder + "/postgres/compare-" + world_.random.hex(8)};
  const auto written = writings.count(server.spec().database, database);
  if (!written)
    return ok();
  abandoned.differences = written.value().rows();
  abandoned.written_since.clear();
  constexpr std::size_t tables_max = 1000;
  for (const TableWritten& table : written.value().tables)
    if (abandoned.written_since.size() < tables_max)
      abandoned.written_since.push_back(
          {table.is_new ? Difference::Kind::added : Difference::Kind::changed, table.table, 0, 0});
  return ok();
}

Result<domain::Snapshot> Store::adopt(const domain::StoreSpec& spec,
                                      const domain::Abandoned& abandoned) {
  Kept kept = TRY(read_kept(abandoned.kept));
  if (kept.as == KeptAs::database) {
    TRY(describe(spec, server_of(spec), kept));
    TRY(write_kept(abandoned.kept, kept));
  }
  const std::string text = TRY(world_.files.read(record_path(abandoned.kept), record_bytes_max));
  domain::Snapshot snapshot = snapshot_of(spec, abandoned.kept, kept, base::sha256_hex(text));
  snapshot.is_secured = true;
  return snapshot;
}

Result<> Store::export_written(const domain::StoreSpec& spec, const domain::Abandoned& abandoned,
                               const std::string& into) {
  const Kept kept = TRY(read_kept(abandoned.kept));
  if (kept.as == KeptAs::dump) {
    TRY(world_.files.create_folders(into));
    return world_.trees.copy_file(dump_path(abandoned.kept), into + "/dump");
  }
  const Server server = server_of(spec);
  Writings writings{world_, server,
                    site_.state_folder + "/postgres/compare-" + world_.random.hex(8)};
  TRY(writings.write(spec.postgres.database, kept.database, into));
  return ok();
}

Result<> Store::discard(const domain::StoreSpec& spec, const std::string& id) {
  CHECK(!id.empty() && !id.contains('/') && id.front() != '.');
  const std::string folder = folder_of(spec, id);
  if (!TRY(world_.files.info(folder)))
    return ok(); // it is made before anything of this id is made on the server
  const Server server = server_of(spec);
  TRY(fences_of(spec, server).take_down());
  TRY(Rehearsals(world_, server, scratch_of(spec, id)).clean_up());
  const std::string& live = spec.postgres.database;
  for (const std::string& name : {clone_name(live, id), abandoned_name(live, id),
                                  restore_name(live, id), proof_name(live, id)})
    if (TRY(server.find(name)))
      TRY(server.drop(name));
  return world_.trees.remove(folder);
}

Result<std::optional<std::string>> Store::kept_path(const domain::StoreSpec& spec,
                                                    const std::string& id) {
  return std::optional{folder_of(spec, id)};
}

Result<domain::FolderState> Store::migrations(const domain::StoreSpec& spec,
                                              const domain::MigrationSpec& migration,
                                              const std::string& folder) {
  return Migrations{world_, server_of(spec).psql()}.look(migration, folder);
}

Result<> Store::migrate(const domain::StoreSpec& spec, const domain::MigrationFile& file,
                        const std::string&, domain::Milliseconds timeout) {
  return Migrations{world_, server_of(spec).psql()}.apply(file, timeout);
}

Result<domain::LedgerState> Store::ledgers(const domain::StoreSpec& spec,
                                           const domain::Snapshot* kept) {
  if (kept != nullptr) {
    Kept record = TRY(read_kept(kept->kept));
    return domain::LedgerState{std::move(record.ledgers), std::move(record.layout)};
  }
  const Server server = server_of(spec);
  const auto lines =
      TRY(layout_of(server.psql(), spec.postgres.database, {.timeout = spec.postgres.timeout}));
  return domain::LedgerState{TRY(read_ledgers(server.psql(), spec.postgres.database, spec.ledger)),
                             digest_of_layout(lines)};
}

} // namespace drivers::postgres
