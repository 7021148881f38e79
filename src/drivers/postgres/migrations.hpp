#pragma once
// Migrations: a folder of SQL files for a database, judged by PostgreSQL's grammar, and applied
// each in one transaction with its line in the ledger. docs/guide/migrations.md.

#include "domain/migration.hpp"
#include "drivers/postgres/own_ledger.hpp"
#include "drivers/postgres/psql.hpp"

#include <string>

namespace drivers::postgres {

// What one file did to the tables that were there before it; of a file that is one transaction.
struct Seen {
  struct Table {
    std::string name;
    std::vector<std::string> locks; // modes that stop others: "AccessExclusiveLock"
    bool is_rewritten = false;
    std::uint64_t bytes = 0;
  };
  std::vector<Table> tables;
};

class Migrations {
public:
  // Of the database that the reach of `psql` names.
  Migrations(world::World world, Psql psql) : world_{world}, psql_{std::move(psql)} {}

  // The files of `folder` beside what was applied. Read-only.
  base::Result<domain::FolderState> look(const domain::MigrationSpec& migration,
                                         const std::string& folder) const;
  // One file and its line in the ledger, both or none; a file whose statements refuse a transaction
  // is run statement by statement, each of which may be run again. Idempotent: nothing when it was
  // applied. Waits for locks and for another belay, a bounded time. failed: what the server said,
  // with file and line. unknown_outcome: the connection was lost, or it took longer than `timeout`.
  // `seen` is filled when it is applied now.
  base::Result<> apply(const domain::MigrationFile& file, world::Milliseconds timeout,
                       Seen* seen = nullptr) const;

private:
  world::World world_;
  Psql psql_;
};

} // namespace drivers::postgres
