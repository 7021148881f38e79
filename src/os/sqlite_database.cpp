#include "os/sqlite_database.hpp"

#include "os/fd.hpp"

#include <cerrno>

#include <sys/stat.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr int busy_timeout_ms = 10'000;

} // namespace

Error error_of_sqlite(sqlite3* database, int code, const std::string& path) {
  ErrorKind kind = ErrorKind::failed;
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
    kind = ErrorKind::corrupt;
  if (code == SQLITE_FULL)
    kind = ErrorKind::no_space;
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
    kind = ErrorKind::unavailable;
  if (code == SQLITE_CANTOPEN)
    kind = ErrorKind::not_found;
  return {kind,
          "database '" + path +
              "': " + (database == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database)),
          ""};
}

Result<Database> open_database(const std::string& path, int flags) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  Database database{raw};
  if (code != SQLITE_OK)
    return error_of_sqlite(raw, code & 0xFF, path);
  sqlite3_busy_timeout(raw, busy_timeout_ms);
  return database;
}

// Opened for writing where that is possible, although it is only read: only so can the journal of a
// service that was killed be rolled back or its WAL recovered, and what SQLite makes beside a
// database in WAL mode be removed again.
Result<Database> open_to_read(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0)
    return error_of(errno, "open the database", path);
  const bool can_write = ::access(path.c_str(), W_OK) == 0;
  return open_database(path, can_write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
}

Result<> each_row(sqlite3* database, const std::string& path, const std::string& sql,
                  const OnRow& on_row) {
  sqlite3_stmt* raw = nullptr;
  int code = sqlite3_prepare_v2(database, sql.c_str(), -1, &raw, nullptr);
  const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> statement{raw,
                                                                             &sqlite3_finalize};
  if (code != SQLITE_OK)
    return error_of_sqlite(database, code & 0xFF, path);
  while ((code = sqlite3_step(raw)) == SQLITE_ROW)
    on_row(raw);
  if (code != SQLITE_DONE)
    return error_of_sqlite(database, code & 0xFF, path);
  return ok();
}

std::string text_of(sqlite3_stmt* row, int column) {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(row, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(row, column));
  return bytes == nullptr ? "" : std::string{bytes, size};
}

} // namespace os
