#include "drivers/postgres/rehearse.hpp"

#include "base/text.hpp"
#include "drivers/postgres/catalog.hpp"
#include "drivers/postgres/dump.hpp"
#include "drivers/postgres/migrations.hpp"
#include "drivers/postgres/room.hpp"
#include "pgsql/file.hpp"

#include <algorithm>
#include <iterator>

namespace drivers::postgres {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::MigrationFile;
using domain::Rehearsal;
using domain::RehearsalRequest;

namespace {

// Above, dumping and restoring takes longer than somebody who has not asked for it will wait.
constexpr std::uint64_t automatic_bytes_max = std::uint64_t{16} << 30U;
// Up to here it is risked on a server whose free disk nobody can tell.
constexpr std::uint64_t unknown_room_bytes_max = std::uint64_t{1} << 30U;

// What stops others from reading, or from writing only.
std::string tell(const Seen::Table& table) {
  const bool is_whole = std::ranges::find(table.locks, "AccessExclusiveLock") != table.locks.end();
  std::string text = table.locks.empty() ? "" : "locks " + table.name + " against ";
  if (!table.locks.empty())
    text += is_whole ? "reads and writes" : "writes";
  if (table.is_rewritten)
    text += (text.empty() ? "writes " + table.name : std::string{", and writes it"}) + " anew (" +
            base::format_bytes(table.bytes) + ")";
  return base::printable(text);
}

// Lines of a layout that are new, and say that something is not valid.
std::vector<std::string> not_valid(const std::vector<std::string>& before,
                                   const std::vector<std::string>& after) {
  std::vector<std::string> added;
  std::ranges::set_difference(after, before, std::back_inserter(added));
  std::vector<std::string> told;
  for (const std::string& line : added) {
    const auto words = base::split(line, ' ');
    const bool is_constraint = words.front() == "constraint" && words.size() > 3;
    const bool is_index = words.front() == "index" && words.size() > 1;
    if ((is_constraint || is_index) && words.back().starts_with("false"))
      told.push_back(base::printable(
          "leaves " + words[0] + " " + words[1] + (is_constraint ? " on " + words[3] : "") +
          (is_constraint ? " not validated: rows that were there may break it"
                         : " not valid: no query uses it")));
  }
  return told;
}

} // namespace

Result<> Rehearsals::go_on() const {
  if (world_.clock.stop_requested())
    return Error{ErrorKind::interrupted, "interrupted during the rehearsal", ""};
  return ok();
}

std::string Rehearsals::no_room(std::uint64_t bytes, const Facts& facts, bool is_any_size) const {
  const std::string size = "its database has " + base::format_bytes(bytes);
  if (!is_any_size && bytes > automatic_bytes_max)
    return size + ", which takes long to copy: 'belay rehearse' and `rehearse: always` do it";
  const auto here = world_.files.space(
      base::parent_of(base::parent_of(base::parent_of(scratch_.folder)))); // of the state;
  const auto there = free_on_server(world_, live_, facts);
  if (!there && !is_any_size && bytes > unknown_room_bytes_max)
    return size +
           ", and nobody can tell whether the server has room for a copy: GRANT "
           "pg_read_all_settings TO " +
           ident(facts.user) + "; or say `rehearse: always`";
  // The copy, and what a migration that writes every table anew needs beside it.
  std::uint64_t wanted = bytes * 2 + bytes / 2;
  if (here && here.value().free_bytes < bytes)
    return size + ", the state folder " + base::format_bytes(here.value().free_bytes) + " free";
  if (here && there && here.value().free_bytes == *there) // the same disk, as it seems
    wanted += bytes;
  if (there && *there < wanted)
    return size + ", of which a copy and its migrations may need " + base::format_bytes(wanted) +
           ", and the server has " + base::format_bytes(*there) + " free";
  return "";
}

// On a copy, too, these would change the server, or what is outside of it.
Result<std::string> Rehearsals::beyond(const RehearsalRequest& request) const {
  for (const domain::RehearsedFolder& folder : request.folders) {
    const auto state = TRY(Migrations(world_, live_.psql()).look(folder.migration, folder.folder));
    for (const MigrationFile& file : state.pending) {
      pgsql::Classifier classifier;
      for (const pgsql::Step& step : pgsql::read_file(file.text, classifier).steps)
        if (step.judgement.reaches_beyond)
          return base::printable(file.name) + ":" + std::to_string(step.piece.line) +
                 " reaches beyond the database, so that a copy does not make it harmless";
    }
  }
  const Rows rows =
      TRY(live_.psql().run(live_.spec().database, "SELECT srvname FROM pg_foreign_server LIMIT 1"));
  if (!rows.empty())
    return "the database has the foreign server '" + base::printable(rows[0].at(0)) +
           "', which its copy would write to as well";
  return std::string{};
}

Result<std::string> Rehearsals::why_not(const RehearsalRequest& request) const {
  const Facts facts = TRY(live_.facts());
  const auto info = TRY(live_.find(live_.spec().database));
  if (facts.subscriptions > 0)
    return std::string{"the database has a subscription, which its copy would have too"};
  if (!facts.may_create)
    return "role '" + facts.user + "' may not create databases";
  if (auto words = no_room(info ? info->bytes : 0, facts, request.is_any_size); !words.empty())
    return words;
  return beyond(request);
}

Result<std::vector<std::string>> Rehearsals::layout() const {
  return layout_of(scratch_.psql, scratch_.database(), {.timeout = live_.spec().timeout});
}

// Without what it says of the database as a whole, migrations would run in other schemas, say.
Result<> Rehearsals::make_copy(Rehearsal& rehearsal) const {
  const auto begun = world_.clock.monotonic();
  const std::string& name = scratch_.database();
  const auto info = TRY(live_.find(live_.spec().database));
  rehearsal.bytes = info ? info->bytes : 0;
  TRY(Dumps(world_, live_).copy(scratch_.dump(), name));
  TRY(world_.files.remove(scratch_.dump()));
  std::string script;
  for (const Setting& setting : TRY(live_.settings_of(live_.spec().database)))
    if (setting.after.starts_with(" SET ") ||
        (setting.before.starts_with("GRANT ") && !setting.before.starts_with("GRANT CONNECT")))
      script += setting.before + ident(name) + setting.after + ";\n";
  TRY(live_.psql().run(live_.spec().maintenance, script));
  TRY(go_on());
  TRY(scratch_.psql.run(name, "ANALYZE;", {.timeout = live_.spec().timeout}));
  rehearsal.copied_in = world_.clock.monotonic() - begun;
  return go_on();
}

Result<> Rehearsals::apply_folder(const domain::RehearsedFolder& folder,
                                  Rehearsal& rehearsal) const {
  const Migrations migrations{world_, scratch_.psql};
  const auto state = TRY(migrations.look(folder.migration, folder.folder));
  if (!state.problems.empty()) {
    rehearsal.failure = base::join(state.problems, "\n");
    return ok();
  }
  for (const MigrationFile& file : state.pending) {
    TRY(go_on());
    Seen seen;
    const auto begun = world_.clock.monotonic();
    const auto applied = migrations.apply(file, folder.migration.command.timeout, &seen);
    domain::RehearsedFile done{.name = file.name, .verdict = file.verdict, .saw = {}};
    done.took = world_.clock.monotonic() - begun;
    for (const Seen::Table& table : seen.tables)
      done.saw.push_back(tell(table));
    rehearsal.files.push_back(std::move(done));
    if (applied)
      continue;
    if (applied.error().kind == ErrorKind::unavailable)
      return applied.error();
    rehearsal.failure = applied.error().message;
    return go_on(); // an end that we were asked for is none of the file
  }
  return ok();
}

Result<> Rehearsals::apply_all(const RehearsalRequest& request, Rehearsal& rehearsal) const {
  const auto before = TRY(layout());
  for (const domain::RehearsedFolder& folder : request.folders) {
    TRY(apply_folder(folder, rehearsal));
    if (!rehearsal.failure.empty())
      return ok();
  }
  const auto after = TRY(layout());
  rehearsal.layout = digest_of_layout(after);
  if (std::string moved = tell_layout(before, after); !moved.empty())
    rehearsal.left.push_back("schema: " + moved);
  for (std::string& words : not_valid(before, after))
    rehearsal.left.push_back(std::move(words));
  return ok();
}

Result<Rehearsal> Rehearsals::rehearse(const RehearsalRequest& request) const {
  TRY(world_.files.create_folders(scratch_.folder));
  TRY(world_.files.replace(scratch_.mark(), scratch_.database() + "\n"));
  Rehearsal rehearsal;
  auto done = make_copy(rehearsal);
  if (done)
    done = apply_all(request, rehearsal);
  const auto cleaned = clean_up();
  TRY(std::move(done));
  if (!cleaned) // the next one tries again
    rehearsal.left.push_back("the copy '" + scratch_.database() +
                             "' could not be removed: " + cleaned.error().message);
  return rehearsal;
}

// A script of a belay that died is waited for, so that it makes nothing behind our back.
Result<> Rehearsals::clean_up() const {
  if (!TRY(world_.files.info(scratch_.mark())))
    return ok();
  TRY(live_.drop(scratch_.database()));
  TRY(world_.files.remove(scratch_.dump()));
  return world_.files.remove(scratch_.mark());
}

} // namespace drivers::postgres
