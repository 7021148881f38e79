#pragma once
// Sqlite: what belay needs of SQLite database files. Source: sqlite.org/backup.html, wal.html.

#include "base/result.hpp"
#include "world/clock.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace world {

struct SqliteFingerprint {
  std::string schema_sha256; // of all SQL in sqlite_schema, ordered by type and name
  std::int64_t user_version = 0;
  std::string content_sha256; // of every row of every table; equal only when the data is equal
  std::uint64_t rows = 0;
  bool operator==(const SqliteFingerprint&) const = default;
};

// One statement; `values` are bound in their order.
struct SqliteStatement {
  std::string sql;
  std::vector<std::string> values;
  std::string where; // "0003_prices.sql:12", for messages; may be empty
};
using SqliteRow = std::vector<std::string>; // NULL is ""

class Sqlite {
public:
  virtual ~Sqlite() = default;
  // Consistent copy of a database that may be in use (online backup API), WAL included. `to` is
  // replaced atomically, durable, in journal mode DELETE (one file). Owner and mode as `from`.
  virtual base::Result<> backup(const std::string& from, const std::string& to) = 0;
  // PRAGMA quick_check. corrupt when it does not answer "ok"; never changes the file.
  virtual base::Result<> check(const std::string& path) = 0;
  virtual base::Result<SqliteFingerprint> fingerprint(const std::string& path) = 0;
  // Fold `-wal` into the database and remove `-wal` and `-shm`. Nobody else may have it open.
  virtual base::Result<> fold(const std::string& path) = 0;

  // The rows of one statement that only reads; invalid_input when it does not, and when there are
  // more than `rows_max`.
  virtual base::Result<std::vector<SqliteRow>>
  query(const std::string& path, const SqliteStatement& statement, std::size_t rows_max) = 0;
  // All statements in one transaction (BEGIN IMMEDIATE), durable when it returns; or none of them,
  // whenever we die. Foreign keys are not enforced meanwhile; failed when more of them point to
  // nothing than before, when a statement fails, and when it takes longer than `timeout`.
  virtual base::Result<> change(const std::string& path,
                                const std::vector<SqliteStatement>& statements,
                                Milliseconds timeout) = 0;
};

} // namespace world
