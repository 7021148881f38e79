// Migrations, the part that applies one file. psql is told each statement as a quoted literal
// (\gexec), so that it reads neither variables nor commands in it.

#include "base/digest.hpp"
#include "base/text.hpp"
#include "drivers/postgres/migrations.hpp"
#include "pgsql/file.hpp"

#include <algorithm>
#include <charconv>

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

class ScriptOf {
public:
  ScriptOf(const LedgerTable& ledger, const MigrationFile& file, const pgsql::File& read)
      : ledger_{ledger}, file_{file}, read_{read} {}

  std::string make() {
    add("\\o /dev/null\n"
        "RESET search_path;\nRESET TimeZone;\nRESET DateStyle;\nRESET IntervalStyle;\n"
        "RESET extra_float_digits;\nRESET bytea_output;\nRESET xmloption;\n"
        "SET client_encoding = 'UTF8';\nSET application_name = 'belay migrate';\n"
        "SET lock_timeout = " +
        std::to_string(lock_wait.count()) + ";\n");
    add(read_.is_stepwise ? "" : "BEGIN;\n");
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
  void add(const std::string& lines) {
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
  std::string text_;
  int line_ = 1;
  int first_ = 0;
  std::vector<std::pair<int, const pgsql::Step*>> ends_; // last line of each statement
};

// Sessions that hold a lock of `table`, or of any table when that is not known.
std::string tell_blockers(const Psql& psql, const std::string& table) {
  const std::string of_table =
      table.empty() ? "l.relation >= 16384" : "l.relation = to_regclass(" + literal(table) + ")";
  const auto rows = psql.run(
      psql.reach().spec().database,
      "RESET search_path;\nSELECT a.pid, coalesce(a.usename, ''), a.application_name, a.state, "
      "round(extract(epoch FROM clock_timestamp() - a.xact_start)), left(a.query, 80) FROM "
      "pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND "
      "a.xact_start IS NOT NULL AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND "
      "l.granted AND l.locktype = 'relation' AND " +
          of_table + ") ORDER BY a.xact_start LIMIT 5");
  if (!rows)
    return "";
  std::vector<std::string> parts;
  for (const Row& row : rows.value())
    parts.push_back("pid " + row.at(0) + " (" + row.at(1) +
                    (row.at(2).empty() ? "" : ", " + row.at(2)) + ", " + row.at(3) + ", begun " +
                    row.at(4) + " s ago: " + row.at(5) + ")");
  return base::printable(base::join(parts, "; "));
}

class Applying {
public:
  Applying(world::World world, const Psql& psql, const MigrationFile& file,
           world::Milliseconds timeout)
      : world_{world}, psql_{psql}, file_{file}, timeout_{timeout} {}

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
    ScriptOf script{ledger, file_, read};
    const std::string text = script.make();
    const auto deadline = world_.clock.monotonic() + std::min(waiting_max, timeout_);
    for (;;) {
      const Answer answer =
          TRY(psql_.ask(psql_.reach().spec().database, text, {.timeout = timeout_}));
      if (!answer.error)
        return ok();
      const pgsql::Step* step = script.step_at(answer.error->line);
      if (!is_passing(*answer.error))
        return tell(*answer.error, step);
      if (world_.clock.monotonic() >= deadline || world_.clock.stop_requested())
        return tell_waiting(*answer.error, step);
      world_.clock.sleep_for(pause);
    }
  }

private:
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
    const std::string blockers = tell_blockers(psql_, step == nullptr ? "" : step->judgement.table);
    return {ErrorKind::failed,
            place_of(error, step) + ": " + error.message + " (SQLSTATE " + error.state + ")" +
                (blockers.empty() ? "" : ". It is held by " + blockers),
            "End that session, or wait for it."};
  }

  world::World world_;
  const Psql& psql_;
  const MigrationFile& file_;
  world::Milliseconds timeout_;
};

} // namespace

Result<> Migrations::apply(const MigrationFile& file, world::Milliseconds timeout) const {
  return Applying{world_, psql_, file, timeout}.apply();
}

} // namespace drivers::postgres
