// Store `sqlite`, the part that applies a folder of SQL files. The ledger in the database says
// what was applied: docs/formats/migrations.md.

#include "drivers/sqlite/ledger.hpp"
#include "drivers/sqlite/script.hpp"
#include "drivers/sqlite/store.hpp"
#include "migrations/folder.hpp"

namespace drivers::sqlite {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::MigrationFile;

Result<domain::LedgerState> Store::ledgers(const domain::StoreSpec& spec,
                                           const domain::Snapshot* kept) {
  const std::string path = kept == nullptr ? TRY(place_of(spec)).live : kept->kept;
  auto ledgers = read_ledgers(world_.sqlite, path, spec.ledger);
  // The copy may be from before the ledger that `ledger:` asks for was made.
  if (!ledgers && kept != nullptr && !spec.ledger.empty())
    ledgers = read_ledgers(world_.sqlite, path, "");
  return domain::LedgerState{.ledgers = TRY(std::move(ledgers)),
                             .layout = TRY(layout_of(world_.sqlite, path))};
}

Result<domain::FolderState> Store::migrations(const domain::StoreSpec& spec,
                                              const domain::MigrationSpec& migration,
                                              const std::string& folder) {
  std::vector<migrations::Applied> ledger;
  for (LedgerLine& line : TRY(read_own_ledger(world_.sqlite, TRY(place_of(spec)).live)))
    ledger.push_back({std::move(line.name), std::move(line.sha256)});
  return migrations::look(
      world_.files, migration, folder, ledger, {}, [](const MigrationFile& file, bool) {
        Script script = read_script(file.text);
        return migrations::Reading{std::move(script.directives), std::move(script.problems)};
      });
}

Result<> Store::migrate(const domain::StoreSpec& spec, const MigrationFile& file,
                        const std::string& at, domain::Milliseconds timeout) {
  const std::string path = TRY(place_of(spec)).live;
  for (const LedgerLine& line : TRY(read_own_ledger(world_.sqlite, path)))
    if (line.name == file.name) {
      if (line.sha256 == file.sha256)
        return ok();
      return Error{ErrorKind::conflict, "'" + file.name + "' was applied with another text", ""};
    }
  std::vector<world::SqliteStatement> statements;
  for (Statement& statement : read_script(file.text).statements)
    statements.push_back({.sql = std::move(statement.sql),
                          .values = {},
                          .where = file.name + ":" + std::to_string(statement.line)});
  statements.push_back({.sql = "CREATE TABLE IF NOT EXISTS belay_migrations (name TEXT NOT NULL "
                               "UNIQUE, sha256 TEXT NOT NULL, applied_at TEXT NOT NULL)",
                        .values = {},
                        .where = "ledger"});
  statements.push_back(
      {.sql = "INSERT INTO belay_migrations (name, sha256, applied_at) VALUES (?, ?, ?)",
       .values = {file.name, file.sha256, at},
       .where = "ledger"});
  return world_.sqlite.change(path, statements, timeout);
}

} // namespace drivers::sqlite
