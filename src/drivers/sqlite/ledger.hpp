#pragma once
// Ledger: reads what migration tools keep in a database, our own table among them. Read-only.

#include "domain/migration.hpp"
#include "world/sqlite.hpp"

#include <string>
#include <vector>

namespace drivers::sqlite {

// Ours: docs/formats/migrations.md.
inline constexpr const char* ledger_table = "belay_migrations";

// Every known ledger of the database; with `query` (a SELECT) that one too, as "ledger".
base::Result<std::vector<domain::Ledger>>
read_ledgers(world::Sqlite& sqlite, const std::string& path, const std::string& query);

// Identity of the layout: the schema and user_version.
base::Result<std::string> layout_of(world::Sqlite& sqlite, const std::string& path);

struct LedgerLine {
  std::string name;
  std::string sha256;
};
// The lines of our own, in the order in which they were written; none when there is no table.
base::Result<std::vector<LedgerLine>> read_own_ledger(world::Sqlite& sqlite,
                                                      const std::string& path);

} // namespace drivers::sqlite
