#pragma once
// Sqlite database: an open connection of libsqlite3, its errors and its rows as ours.

#include "base/result.hpp"

#include <functional>
#include <memory>
#include <string>

#include <sqlite3.h>

namespace os {

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

base::Error error_of_sqlite(sqlite3* database, int code, const std::string& path);
base::Result<Database> open_database(const std::string& path, int flags);
// Opened for writing where that is possible, although it is only read: only so can the journal of a
// service that was killed be rolled back or its WAL recovered, and what SQLite makes beside a
// database in WAL mode be removed again.
base::Result<Database> open_to_read(const std::string& path);

using OnRow = std::function<void(sqlite3_stmt*)>;
base::Result<> each_row(sqlite3* database, const std::string& path, const std::string& sql,
                        const OnRow& on_row);
std::string text_of(sqlite3_stmt* row, int column); // its bytes; "" for NULL

} // namespace os
