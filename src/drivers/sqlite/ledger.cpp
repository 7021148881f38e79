#include "drivers/sqlite/ledger.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace drivers::sqlite {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

constexpr std::size_t rows_max = 100'000;

// Several tools call their table alike, so its columns tell them apart. The first that fits counts.
// Each from the tool's own sources or manual, as of 2026.
struct Tool {
  std::string_view table;
  std::string_view columns; // that it must have, parted by blanks
  std::string_view query;   // the names that were applied, the newest last
};
constexpr std::array tools{
    // ours
    Tool{"belay_migrations", "name sha256", "SELECT name FROM belay_migrations ORDER BY rowid"},
    // golang-migrate, database/sqlite3/sqlite3.go: one row
    Tool{"schema_migrations", "version dirty",
         "SELECT version || CASE WHEN dirty THEN ' (dirty)' ELSE '' END FROM schema_migrations"},
    // dbmate pkg/driver/sqlite/sqlite.go; Rails ActiveRecord::SchemaMigration; Ecto.Migration
    Tool{"schema_migrations", "version", "SELECT version FROM schema_migrations ORDER BY version"},
    // documentation.red-gate.com/flyway, "Flyway schema history table"
    Tool{"flyway_schema_history", "installed_rank version script success",
         "SELECT coalesce(version, script) || CASE WHEN success THEN '' ELSE ' (failed)' END "
         "FROM flyway_schema_history ORDER BY installed_rank"},
    // docs.liquibase.com, "DATABASECHANGELOG table"
    Tool{"databasechangelog", "id author filename orderexecuted",
         "SELECT id || ' ' || author || ' ' || filename FROM databasechangelog "
         "ORDER BY orderexecuted"},
    // alembic/runtime/migration.py: the heads
    Tool{"alembic_version", "version_num",
         "SELECT version_num FROM alembic_version ORDER BY version_num"},
    // django/db/migrations/recorder.py
    Tool{"django_migrations", "id app name",
         "SELECT app || '.' || name FROM django_migrations ORDER BY id"},
    // goose internal/dialect: the newest row of a version counts
    Tool{"goose_db_version", "id version_id is_applied",
         "SELECT version_id FROM goose_db_version AS one WHERE is_applied AND id = (SELECT max(id) "
         "FROM goose_db_version WHERE version_id = one.version_id) ORDER BY version_id"},
    // sqlx-core/src/migrate, sqlx-sqlite/src/migrate.rs
    Tool{"_sqlx_migrations", "version success",
         "SELECT version || CASE WHEN success THEN '' ELSE ' (failed)' END FROM _sqlx_migrations "
         "ORDER BY version"},
    // prisma-engines, sql-schema-connector: applied when finished and not rolled back
    Tool{"_prisma_migrations", "migration_name finished_at rolled_back_at",
         "SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND "
         "rolled_back_at IS NULL ORDER BY finished_at, migration_name"},
    // learn.microsoft.com/ef/core/managing-schemas/migrations/history-table
    Tool{"__efmigrationshistory", "migrationid",
         "SELECT MigrationId FROM __EFMigrationsHistory ORDER BY MigrationId"},
    // knexjs.org/guide/migrations.html, lib/migrations/migrate
    Tool{"knex_migrations", "id name batch", "SELECT name FROM knex_migrations ORDER BY id"},
    // typeorm.io/docs/migrations: MigrationExecutor
    Tool{"migrations", "id timestamp name", "SELECT name FROM migrations ORDER BY id"},
    // Laravel, Illuminate\Database\Migrations\DatabaseMigrationRepository
    Tool{"migrations", "id migration batch", "SELECT migration FROM migrations ORDER BY id"},
    // github.com/sequelize/umzug, SequelizeStorage
    Tool{"sequelizemeta", "name", "SELECT name FROM SequelizeMeta ORDER BY name"},
    // drizzle-orm/src/sqlite-core/dialect.ts
    Tool{"__drizzle_migrations", "hash created_at",
         "SELECT created_at || ' ' || substr(hash, 1, 12) FROM __drizzle_migrations "
         "ORDER BY created_at"},
    // diesel_migrations, migrations_internals
    Tool{"__diesel_schema_migrations", "version",
         "SELECT version FROM __diesel_schema_migrations ORDER BY version"},
};

// Table and column names, in small letters: SQLite does not tell capitals apart.
using Columns = std::set<std::pair<std::string, std::string>>;

Result<Columns> columns_of(world::Sqlite& sqlite, const std::string& path) {
  Columns columns;
  for (const auto& row : TRY(sqlite.query(
           path,
           {.sql = "SELECT lower(m.name), lower(c.name) FROM sqlite_schema AS m, "
                   "pragma_table_info(m.name) AS c WHERE m.type = 'table' AND m.rootpage > 0",
           .values = {},
           .where = {}},
           rows_max)))
    columns.insert({row.at(0), row.at(1)});
  return columns;
}

bool has_columns(const Columns& columns, const Tool& tool) {
  const auto wanted = base::split(tool.columns, ' ');
  return std::ranges::all_of(wanted, [&](const std::string& column) {
    return columns.contains({std::string{tool.table}, column});
  });
}

Result<domain::Ledger> read(world::Sqlite& sqlite, const std::string& path,
                            const std::string& table, const std::string& query) {
  domain::Ledger ledger{.table = table, .applied = {}};
  for (auto& row : TRY(sqlite.query(path, {.sql = query, .values = {}, .where = {}}, rows_max))) {
    if (row.empty())
      return Error{ErrorKind::invalid_input, "the query of ledger '" + table + "' has no column",
                   "Its first column is the name of a migration."};
    ledger.applied.push_back(std::move(row.front()));
  }
  return ledger;
}

} // namespace

Result<std::vector<domain::Ledger>> read_ledgers(world::Sqlite& sqlite, const std::string& path,
                                                 const std::string& query) {
  const Columns columns = TRY(columns_of(sqlite, path));
  std::vector<domain::Ledger> ledgers;
  for (const Tool& tool : tools) {
    const bool is_read =
        std::ranges::find(ledgers, tool.table, &domain::Ledger::table) != ledgers.end();
    if (!is_read && has_columns(columns, tool))
      ledgers.push_back(TRY(read(sqlite, path, std::string{tool.table}, std::string{tool.query})));
  }
  if (!query.empty())
    ledgers.push_back(TRY_CONTEXT(read(sqlite, path, "ledger", query), "`ledger:` of the store"));
  return ledgers;
}

Result<std::string> layout_of(world::Sqlite& sqlite, const std::string& path) {
  base::Sha256 digest;
  const auto add = [&](const std::vector<world::SqliteRow>& rows) {
    for (const auto& row : rows)
      for (const std::string& value : row)
        digest.update(std::to_string(value.size()) + ":" + value);
  };
  add(TRY(sqlite.query(path,
                       {.sql = "SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE "
                               "name NOT LIKE 'sqlite_stat%' ORDER BY type, name",
                        .values = {},
                        .where = {}},
                       rows_max)));
  add(TRY(sqlite.query(path, {.sql = "PRAGMA user_version", .values = {}, .where = {}}, 1)));
  return digest.hex();
}

Result<std::vector<LedgerLine>> read_own_ledger(world::Sqlite& sqlite, const std::string& path) {
  std::vector<LedgerLine> lines;
  const Columns columns = TRY(columns_of(sqlite, path));
  const bool has_table =
      std::ranges::any_of(columns, [](const auto& each) { return each.first == ledger_table; });
  if (!has_table)
    return lines;
  if (!has_columns(columns, tools.front()))
    return Error{ErrorKind::conflict,
                 "table 'belay_migrations' of '" + path + "' is not belay's ledger",
                 "Give that table another name: docs/formats/migrations.md tells its columns."};
  for (const auto& row :
       TRY(sqlite.query(path,
                        {.sql = "SELECT name, sha256 FROM belay_migrations ORDER BY rowid",
                        .values = {},
                        .where = {}},
                        rows_max)))
    lines.push_back({row.at(0), row.at(1)});
  return lines;
}

} // namespace drivers::sqlite
