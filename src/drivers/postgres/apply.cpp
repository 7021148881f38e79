// Migrations, the part that applies one file. psql is told each statement as a quoted literal
// (\gexec), so that it reads neither variables nor commands in it.

#include "base/digest.hpp"
#include "base/text.hpp"
#include "drivers/postgres/migrations.hpp"
#include "pgsql/file.hpp"

#include <algorithm>
#include <charconv>
#include <future>

namespace drivers::postgres {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::MigrationFile;

namespace {

constexpr world::Milliseconds lock_wait{2'000};    // of one statement, before it gives way
constexpr world::Milliseconds waiting_max{60'000}; // for locks and for another belay, in all
constexpr world::Milliseconds pause{250};
constexpr std::string_view taken = "another belay is at work on the ledger";
constexpr std::string_view parted = "the transaction of the file was ended inside of it";

// One for each ledger; PostgreSQL keeps them apart by database.
std::string lock_key(const LedgerTable& ledger) {
  const std::string digest = base::sha256_hex("belay migrations " + ledger.wanted);
  std::uint64_t key = 0;
  std::from_chars(digest.data(), digest.data() + 15, key, 16);
  return std::to_string(key);
}

// Fails with these words: a condition that SQL alone can neither test nor say.
std::string fail_with(std::string_view words) {
  return "SELECT ''::" + ident(words) + ";\n";
}

// The tables that are there, with the files that they are in.
constexpr std::string_view tables_before =
    "SELECT coalesce(pg_catalog.string_agg(oid || ':' || relfilenode, ','), '0:0') AS belay_tables "
    "FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p', 'm') AND oid >= 16384 \\gset\n";
// Which of them are locked against others now, or are in another file: only the transaction itself
// can tell.
constexpr std::string_view tables_after =
    "\\o\nSELECT 'belay-saw', c.oid::pg_catalog.regclass, h.modes, c.relfilenode::text <> b.file, "
    "pg_catalog.pg_table_size(c.oid) FROM pg_catalog.pg_class c JOIN (SELECT "
    "pg_catalog.split_part(e, ':', 1)::oid AS id, pg_catalog.split_part(e, ':', 2) AS file FROM "
    "pg_catalog.unnest(pg_catalog.string_to_array(:'belay_tables', ',')) e) b ON b.id = c.oid "
    "CROSS "
    "JOIN LATERAL (SELECT pg_catalog.string_agg(DISTINCT l.mode, ' ') AS modes FROM "
    "pg_catalog.pg_locks l WHERE l.pid = pg_catalog.pg_backend_pid() AND l.relation = c.oid AND "
    "l.granted AND l.mode IN ('AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', "
    "'ShareLock')) h WHERE h.modes IS NOT NULL OR c.relfilenode::text <> b.file ORDER BY c.oid;\n"
    "\\o /dev/null\n";

Seen seen_in(const Rows& rows) {
  Seen seen;
  for (const Row& row : rows)
    if (row.size() == 5 && row[0] == "belay-saw") {
      Seen::Table table{.name = row[1], .is_rewritten = row[3] == "t"};
      for (std::string& mode : base::split(row[2], ' '))
        if (!mode.empty())
          table.locks.push_back(std::move(mode));
      std::from_chars(row[4].data(), row[4].data() + row[4].size(), table.bytes);
      seen.tables.push_back(std::move(table));
    }
  return seen;
}

class ScriptOf {
public:
  ScriptOf(const LedgerTable& ledger, const MigrationFile& file, const pgsql::File& read,
           std::string application, bool is_watched)
      : ledger_{ledger}, file_{file}, read_{read}, application_{std::move(application)},
        is_watched_{is_watched && !read.is_stepwise} {}

  std::string make() {
    add("\\o /dev/null\n"
        "RESET search_path;\nRESET TimeZone;\nRESET DateStyle;\nRESET IntervalStyle;\n"
        "RESET extra_float_digits;\nRESET bytea_output;\nRESET xmloption;\n"
        "SET client_encoding = 'UTF8';\nSET application_name = " +
        literal(application_) +
        ";\n"
        "SET lock_timeout = " +
        std::to_string(lock_wait.count()) + ";\n");
    add(read_.is_stepwise ? "" : "BEGIN;\n");
    add(is_watched_ ? tables_before : "");
    add("SELECT NOT pg_try_advisory" + std::string{read_.is_stepwise ? "" : "_xact"} + "_lock(" +
        lock_key(ledger_) + ") AS belay_taken \\gset\n\\if :belay_taken\n" + fail_with(taken) +
        "\\endif\n");
    add("SELECT to_regclass(" + literal(ledger_.quoted()) + ") IS NULL AS belay_new \\gset\n" +
        "\\if :belay_new\n" + create_ledger(ledger_) + "\\endif\n");
    add("SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS belay_ledger FROM "
        "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(" +
        literal(ledger_.quoted()) + ") \\gset\n");
    // Whoever held the lock before us may have applied it.
    add("SELECT EXISTS (SELECT FROM :belay_ledger WHERE " + ident(ledger_.name_column) +
        "::text = " + literal(ledger_.name_for(file_.name)) + ") AS belay_was \\gset\n" +
        "\\if :belay_was\n\\else\n");
    add(read_.is_stepwise ? "" : "SELECT txid_current() AS belay_tx \\gset\n");
    for (const pgsql::Step& step : read_.steps)
      add_step(step);
    if (!read_.is_stepwise)
      add("RESET ROLE;\nSELECT txid_current() <> :belay_tx AS belay_parted \\gset\n"
          "\\if :belay_parted\n" +
          fail_with(parted) + "\\endif\n");
    add(is_watched_ ? tables_after : "");
    add(insert_line(ledger_, ":belay_ledger", file_.name, file_.sha256, file_.is_compatible));
    add("\\endif\n");
    add(read_.is_stepwise ? "" : "COMMIT;\n");
    add("\\o\n");
    return std::move(text_);
  }

  // The statement that was run in this line of the script.
  const pgsql::Step* step_at(int line) const {
    const auto found = std::ranges::find_if(
        ends_, [&](const std::pair<int, const pgsql::Step*>& each) { return line <= each.first; });
    const bool is_in = found != ends_.end() && line >= first_;
    return is_in ? found->second : nullptr;
  }

private:
  void add(std::string_view lines) {
    text_ += lines;
    line_ += static_cast<int>(std::ranges::count(lines, '\n'));
  }

  void add_step(const pgsql::Step& step) {
    // What an interrupted CREATE INDEX CONCURRENTLY left behind would pass for the index.
    const std::string& index = step.judgement.makes_index;
    if (!index.empty())
      add("SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass(" + literal(index) +
          ") AND NOT indisvalid) AS belay_left \\gset\n\\if :belay_left\nDROP INDEX CONCURRENTLY " +
          index + ";\n\\endif\n");
    if (first_ == 0)
      first_ = line_;
    add("SELECT " + literal(step.piece.sql) + " \\gexec\n");
    ends_.emplace_back(line_ - 1, &step);
  }

  const LedgerTable& ledger_;
  const MigrationFile& file_;
  const pgsql::File& read_;
  std::string application_;
  bool is_watched_;
  std::string text_;
  int line_ = 1;
  int first_ = 0;
  std::vector<std::pair<int, const pgsql::Step*>> ends_; // last line of each statement
};

// Sessions that `application` waits for now, as the server tells it.
std::vector<std::string> blockers_of(const Psql& psql, const std::string& application) {
  const auto rows = psql.run(
      psql.reach().spec().maintenance,
      "SELECT DISTINCT ON (b.pid) b.pid, a.usename, a.application_name, a.state, "
      "round(extract(epoch FROM clock_timestamp() - a.xact_start)), "
      "left(regexp_replace(a.query, '\\s+', ' ', 'g'), 80) FROM pg_stat_activity w CROSS JOIN "
      "LATERAL "
      "unnest(pg_blocking_pids(w.pid)) b (pid) LEFT JOIN pg_stat_activity a ON a.pid = b.pid WHERE "
      "w.application_name = " +
          literal(application) + " AND w.wait_event_type = 'Lock' ORDER BY b.pid LIMIT 5");
  std::vector<std::string> parts;
  if (!rows)
    return parts;
  for (const Row& row : rows.value())
    parts.push_back(base::printable(
        row.at(0) == "0" ? "a prepared transaction (pg_prepared_xacts)"
                         : "pid " + row.at(0) + " (" + (row.at(1).empty() ? "?" : row.at(1)) +
                               (row.at(2).empty() ? "" : ", " + row.at(2)) +
                               (row.at(3).empty() ? "" : ", " + row.at(3)) +
                               (row.at(4).empty() ? "" : ", begun " + row.at(4) + " s ago") +
                               (row.at(5).empty() ? "" : ": " + row.at(5)) + ")"));
  return parts;
}

class Applying {
public:
  Applying(world::World world, const Psql& psql, const MigrationFile& file,
           world::Milliseconds timeout, Seen* seen)
      : world_{world}, psql_{psql}, file_{file}, timeout_{timeout}, seen_{seen} {}

  Result<> apply() {
    const LedgerTable ledger = TRY(read_own_ledger(psql_, file_.ledger));
    if (const auto* line = ledger.line_of(file_.name); line != nullptr) {
      if (line->sha256.empty() || line->sha256 == file_.sha256)
        return ok();
      return Error{ErrorKind::conflict, "'" + file_.name + "' was applied with another text", ""};
    }
    pgsql::Classifier classifier;
    const pgsql::File read = pgsql::read_file(file_.text, classifier);
    if (!read.problems.empty())
      return Error{ErrorKind::invalid_input,
                   where(read.problems.front().line) + ": " + read.problems.front().text, ""};
    const std::string application = "belay migrate " + world_.random.hex(8);
    ScriptOf script{ledger, file_, read, application, seen_ != nullptr};
    const std::string text = script.make();
    const auto deadline = world_.clock.monotonic() + std::min(waiting_max, timeout_);
    for (int attempt = 1;; ++attempt) { // from the second one on, who is waited for is known
      const Answer answer = TRY(attempt == 1 ? ask(text) : ask_watching(text, application));
      if (!answer.error) {
        if (seen_ != nullptr)
          *seen_ = seen_in(answer.rows);
        return ok();
      }
      const pgsql::Step* step = script.step_at(answer.error->line);
      if (!is_passing(*answer.error))
        return tell(*answer.error, step);
      if ((world_.clock.monotonic() >= deadline && attempt > 1) || world_.clock.stop_requested())
        return tell_waiting(*answer.error, step);
      world_.clock.sleep_for(pause);
    }
  }

private:
  Result<Answer> ask(const std::string& script) const {
    return psql_.ask(psql_.reach().spec().database, script, {.timeout = timeout_});
  }

  // Who blocks a session is known only while it waits.
  Result<Answer> ask_watching(const std::string& script, const std::string& application) {
    auto answer = std::async(std::launch::async, [&] { return ask(script); });
    blockers_.clear();
    while (answer.wait_for(std::chrono::milliseconds{300}) != std::future_status::ready)
      if (auto blockers = blockers_of(psql_, application); !blockers.empty())
        blockers_ = std::move(blockers);
    return answer.get();
  }

  std::string where(int line) const {
    return base::printable(file_.name) + ":" + std::to_string(line);
  }

  // The same may work in a moment, and nothing was changed.
  static bool is_passing(const SqlError& error) {
    return error.state == "55P03" || error.state == "40P01" || error.state == "40001" ||
           error.message.contains(taken);
  }

  std::string place_of(const SqlError& error, const pgsql::Step* step) const {
    if (step == nullptr)
      return base::printable(file_.name) + ": ledger";
    return where(step->piece.line + std::max(0, error.inner_line - 1));
  }

  Error tell(const SqlError& error, const pgsql::Step* step) const {
    if (error.message.contains(parted))
      return {ErrorKind::failed, base::printable(file_.name) + ": " + std::string{parted}, ""};
    return {ErrorKind::failed,
            place_of(error, step) + ": " + error.message + " (SQLSTATE " + error.state + ")", ""};
  }

  Error tell_waiting(const SqlError& error, const pgsql::Step* step) const {
    if (error.message.contains(taken))
      return {ErrorKind::failed, base::printable(file_.name) + ": " + std::string{taken},
              "Look for 'belay migrate' in pg_stat_activity, and wait until it has ended."};
    return {ErrorKind::failed,
            place_of(error, step) + ": " + error.message + " (SQLSTATE " + error.state + ")" +
                (blockers_.empty() ? "" : ". It is held by " + base::join(blockers_, "; ")),
            "End that session, or wait for it."};
  }

  world::World world_;
  const Psql& psql_;
  const MigrationFile& file_;
  world::Milliseconds timeout_;
  Seen* seen_;
  std::vector<std::string> blockers_; // who was waited for in the last attempt
};

} // namespace

Result<> Migrations::apply(const MigrationFile& file, world::Milliseconds timeout,
                           Seen* seen) const {
  return Applying{world_, psql_, file, timeout, seen}.apply();
}

} // namespace drivers::postgres
