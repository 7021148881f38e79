#pragma once
// Sqlite: what belay needs of SQLite database files. Source: sqlite.org/backup.html, wal.html.

#include "base/result.hpp"

#include <cstdint>
#include <string>

namespace world {

struct SqliteFingerprint {
  std::string schema_sha256; // of all SQL in sqlite_schema, ordered by type and name
  std::int64_t user_version = 0;
  std::string content_sha256; // of every row of every table; equal only when the data is equal
  std::uint64_t rows = 0;
  bool operator==(const SqliteFingerprint&) const = default;
};

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
};

} // namespace world
