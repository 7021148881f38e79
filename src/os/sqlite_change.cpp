// Sqlite, the part that runs statements which others have written: reading ones, and changes as
// one transaction.

#include "os/sqlite.hpp"
#include "os/sqlite_database.hpp"

#include <chrono>
#include <map>

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::SqliteStatement;

namespace {

using Steady = std::chrono::steady_clock;
using Statement = std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>;

constexpr int instructions_between_looks = 10'000;

Error error_at(const SqliteStatement& statement, sqlite3* database, int code,
               const std::string& path) {
  Error error = error_of_sqlite(database, code & 0xFF, path);
  return statement.where.empty() ? error : std::move(error).context(statement.where);
}

Result<Statement> prepare(sqlite3* database, const std::string& path,
                          const SqliteStatement& statement) {
  sqlite3_stmt* raw = nullptr;
  const char* rest = nullptr;
  const std::string& sql = statement.sql;
  const int code =
      sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &raw, &rest);
  Statement prepared{raw, &sqlite3_finalize};
  if (code != SQLITE_OK)
    return error_at(statement, database, code, path);
  const auto left = static_cast<std::size_t>(rest - sql.data());
  if (raw == nullptr || sql.find_first_not_of(" \t\r\n;", left) != std::string::npos)
    return Error{ErrorKind::invalid_input,
                 statement.where + (statement.where.empty() ? "" : ": ") + "'" + sql.substr(0, 60) +
                     "' is not one statement",
                 ""};
  int number = 0;
  for (const std::string& value : statement.values)
    sqlite3_bind_text(raw, ++number, value.data(), static_cast<int>(value.size()),
                      SQLITE_TRANSIENT);
  return prepared;
}

Result<> run_one(sqlite3* database, const std::string& path, const SqliteStatement& statement) {
  const Statement prepared = TRY(prepare(database, path, statement));
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW)
    code = sqlite3_step(prepared.get());
  if (code == SQLITE_INTERRUPT)
    return Error{ErrorKind::failed, statement.where + ": it took too long, and was undone",
                 "Give it more time with `timeout:`."};
  if (code != SQLITE_DONE)
    return error_at(statement, database, code, path);
  return ok();
}

// Whoever cuts a file into statements keeps these out; here nothing can make it reach further.
int authorize(void*, int action, const char*, const char*, const char*, const char*) {
  const bool is_denied = action == SQLITE_ATTACH || action == SQLITE_DETACH ||
                         action == SQLITE_TRANSACTION || action == SQLITE_SAVEPOINT;
  return is_denied ? SQLITE_DENY : SQLITE_OK;
}

int is_too_late(void* deadline) {
  return Steady::now() >= *static_cast<const Steady::time_point*>(deadline) ? 1 : 0;
}

// Rows that point to nothing, counted for each table and what it points to.
using Dangling = std::map<std::string, int>;
Result<Dangling> dangling(sqlite3* database, const std::string& path) {
  Dangling found;
  TRY(each_row(database, path, "PRAGMA foreign_key_check", [&](sqlite3_stmt* row) {
    ++found["table '" + text_of(row, 0) + "' that point to '" + text_of(row, 2) + "'"];
  }));
  return found;
}

Result<> run_all(sqlite3* database, const std::string& path,
                 const std::vector<SqliteStatement>& statements) {
  const auto before = dangling(database, path); // may fail: keys that point to no index
  sqlite3_set_authorizer(database, authorize, nullptr);
  for (const SqliteStatement& statement : statements)
    TRY(run_one(database, path, statement));
  sqlite3_set_authorizer(database, nullptr, nullptr);
  if (!before)
    return ok();
  for (const auto& [where, count] : TRY(dangling(database, path))) {
    const auto known = before.value().find(where);
    const int more = count - (known == before.value().end() ? 0 : known->second);
    if (more > 0)
      return Error{ErrorKind::failed,
                   "it would leave " + std::to_string(more) + " rows of " + where +
                       " without what they point to",
                   "Foreign keys are not enforced while a migration runs: delete or change those "
                   "rows in it too."};
  }
  return ok();
}

const auto no_row = [](sqlite3_stmt*) {};

} // namespace

Result<std::vector<world::SqliteRow>>
Sqlite::query(const std::string& path, const SqliteStatement& statement, std::size_t rows_max) {
  const Database database = TRY(open_to_read(path));
  const Statement prepared = TRY(prepare(database.get(), path, statement));
  if (sqlite3_stmt_readonly(prepared.get()) == 0)
    return Error{ErrorKind::invalid_input, "'" + statement.sql + "' does not only read",
                 "Give a SELECT."};
  std::vector<world::SqliteRow> rows;
  int code = SQLITE_OK;
  while ((code = sqlite3_step(prepared.get())) == SQLITE_ROW) {
    if (rows.size() == rows_max)
      return Error{ErrorKind::invalid_input,
                   "'" + statement.sql + "' has more than " + std::to_string(rows_max) + " rows",
                   ""};
    world::SqliteRow row;
    for (int column = 0; column < sqlite3_column_count(prepared.get()); ++column)
      row.push_back(text_of(prepared.get(), column));
    rows.push_back(std::move(row));
  }
  if (code != SQLITE_DONE)
    return error_at(statement, database.get(), code, path);
  return rows;
}

// What is not committed when the connection is closed is undone: an error needs no more than that.
Result<> Sqlite::change(const std::string& path, const std::vector<SqliteStatement>& statements,
                        world::Milliseconds timeout) {
  const EffectScope scope{effects_, "sqlite.change", path};
  const Database database = TRY(open_database(path, SQLITE_OPEN_READWRITE));
  sqlite3_db_config(database.get(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  TRY(each_row(database.get(), path, "PRAGMA foreign_keys=OFF", no_row));
  TRY(each_row(database.get(), path, "PRAGMA synchronous=EXTRA", no_row));
  TRY(each_row(database.get(), path, "BEGIN IMMEDIATE", no_row));
  Steady::time_point deadline = Steady::now() + timeout;
  sqlite3_progress_handler(database.get(), instructions_between_looks, is_too_late, &deadline);
  TRY(run_all(database.get(), path, statements));
  sqlite3_progress_handler(database.get(), 0, nullptr, nullptr);
  return each_row(database.get(), path, "COMMIT", no_row);
}

} // namespace os
