#include "os/sqlite.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"
#include "os/fd.hpp"
#include "os/sqlite_database.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

std::string quoted(const std::string& name) {
  std::string text = "\"";
  for (const char c : name)
    text += c == '"' ? std::string{"\"\""} : std::string{c};
  return text + "\"";
}

// One value as type, length and bytes, so that no two rows run together to the same digest.
void add_value(base::Sha256& digest, sqlite3_stmt* row, int column) {
  const std::string bytes = text_of(row, column);
  digest.update(std::to_string(sqlite3_column_type(row, column)) + ":" +
                std::to_string(bytes.size()) + ":");
  digest.update(bytes);
}

Result<> add_tables(sqlite3* database, const std::string& path, world::SqliteFingerprint& print) {
  base::Sha256 schema;
  std::vector<std::string> tables;
  TRY(each_row(database, path,
               "SELECT type, name, coalesce(sql, ''), rootpage FROM sqlite_schema "
               "WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name",
               [&](sqlite3_stmt* row) {
                 for (int column = 0; column < 3; ++column)
                   add_value(schema, row, column);
                 // Virtual tables have no pages of their own; their shadow tables are listed too.
                 if (text_of(row, 0) == "table" && sqlite3_column_int64(row, 3) != 0)
                   tables.push_back(text_of(row, 1));
               }));
  print.schema_sha256 = schema.hex();
  base::Sha256 content;
  for (const std::string& table : tables) {
    content.update(table + "\n");
    // By every column: the same for tables with and without a rowid.
    int columns = 0;
    TRY(each_row(database, path, "PRAGMA table_info(" + quoted(table) + ")",
                 [&](sqlite3_stmt*) { ++columns; }));
    std::string order;
    for (int column = 1; column <= columns; ++column)
      order += (column == 1 ? " ORDER BY " : ", ") + std::to_string(column);
    TRY(each_row(database, path, "SELECT * FROM " + quoted(table) + order, [&](sqlite3_stmt* row) {
      ++print.rows;
      for (int column = 0; column < sqlite3_column_count(row); ++column)
        add_value(content, row, column);
    }));
  }
  print.content_sha256 = content.hex();
  return ok();
}

Result<> copy_pages(sqlite3* from, sqlite3* to, const std::string& path) {
  sqlite3_backup* backup = sqlite3_backup_init(to, "main", from, "main");
  if (backup == nullptr)
    return error_of_sqlite(to, sqlite3_errcode(to) & 0xFF, path);
  int code = SQLITE_OK;
  // In one go: then no writer can make it begin again. A locked source is waited for, bounded.
  for (int attempt = 0; attempt < 100; ++attempt) {
    code = sqlite3_backup_step(backup, -1);
    if (code != SQLITE_BUSY && code != SQLITE_LOCKED)
      break;
    sqlite3_sleep(100);
  }
  sqlite3_backup_finish(backup);
  if (code != SQLITE_DONE)
    return error_of_sqlite(to, code & 0xFF, path);
  return ok();
}

Result<> write_copy(const std::string& from, const std::string& temporary) {
  const Database source = TRY(open_to_read(from));
  const Database target = TRY(open_database(temporary, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
  TRY(copy_pages(source.get(), target.get(), from));
  return each_row(target.get(), temporary, "PRAGMA journal_mode=DELETE", [](sqlite3_stmt*) {});
}

} // namespace

Result<> Sqlite::backup(const std::string& from, const std::string& to) {
  const EffectScope scope{effects_, "sqlite.backup", to};
  const std::string temporary = base::parent_of(to) + "/.belay-tmp-" + base::name_of_path(to);
  ::unlink(temporary.c_str());
  if (auto written = write_copy(from, temporary); !written) {
    ::unlink(temporary.c_str());
    return std::move(written).error();
  }
  struct stat info {};
  if (::stat(from.c_str(), &info) != 0)
    return error_of(errno, "look at", from);
  const Fd file = TRY(open_file(temporary, O_RDWR));
  if (::fchown(file.get(), info.st_uid, info.st_gid) != 0 && errno != EPERM)
    return error_of(errno, "set the owner of", to);
  if (::fchmod(file.get(), info.st_mode & 07777U) != 0)
    return error_of(errno, "set the mode of", to);
  TRY(sync_file(file, to));
  if (::rename(temporary.c_str(), to.c_str()) != 0)
    return error_of(errno, "replace", to);
  return sync_folder(base::parent_of(to));
}

Result<> Sqlite::check(const std::string& path) {
  const Database database = TRY(open_to_read(path));
  std::string answer;
  TRY(each_row(database.get(), path, "PRAGMA quick_check(1)",
               [&](sqlite3_stmt* row) { answer = text_of(row, 0); }));
  if (answer != "ok")
    return Error{ErrorKind::corrupt,
                 "database '" + path + "' is damaged: " + base::printable(answer), ""};
  return ok();
}

Result<world::SqliteFingerprint> Sqlite::fingerprint(const std::string& path) {
  const Database database = TRY(open_to_read(path));
  world::SqliteFingerprint print;
  // One transaction: schema and rows of the same moment.
  TRY(each_row(database.get(), path, "BEGIN", [](sqlite3_stmt*) {}));
  TRY(each_row(database.get(), path, "PRAGMA user_version",
               [&](sqlite3_stmt* row) { print.user_version = sqlite3_column_int64(row, 0); }));
  TRY(add_tables(database.get(), path, print));
  return print;
}

Result<> Sqlite::fold(const std::string& path) {
  const EffectScope scope{effects_, "sqlite.fold", path};
  const bool has_wal = ::access((path + "-wal").c_str(), F_OK) == 0 ||
                       ::access((path + "-journal").c_str(), F_OK) == 0;
  if (!has_wal)
    return ok();
  const Database database = TRY(open_database(path, SQLITE_OPEN_READWRITE));
  int busy = 0;
  TRY(each_row(database.get(), path, "PRAGMA wal_checkpoint(TRUNCATE)",
               [&](sqlite3_stmt* row) { busy = sqlite3_column_int(row, 0); }));
  if (busy != 0)
    return Error{ErrorKind::unavailable, "database '" + path + "' is in use",
                 "Find who has it open (lsof), and stop it."};
  return ok();
}

} // namespace os
