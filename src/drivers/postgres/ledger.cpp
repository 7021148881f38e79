#include "drivers/postgres/ledger.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace drivers::postgres {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

// Several tools call their table alike, so its columns tell them apart. The first that fits counts.
// `{}` is the table. Each from the tool's own sources or manual, as of 2026.
struct Tool {
  std::string_view table;
  std::string_view columns; // that it must have, parted by blanks
  std::string_view query;   // the names that were applied, the newest last
};
constexpr std::array tools{
    // ours
    Tool{"belay_migrations", "name sha256 applied_at",
         "SELECT name FROM {} ORDER BY applied_at, name"},
    // plain SQL runners of many projects
    Tool{"_schema_migrations", "version", "SELECT version FROM {} ORDER BY 1"},
    // golang-migrate, database/postgres/postgres.go: one row
    Tool{"schema_migrations", "version dirty",
         "SELECT version || CASE WHEN dirty THEN ' (dirty)' ELSE '' END FROM {}"},
    // dbmate pkg/driver/postgres; Rails ActiveRecord::SchemaMigration; Ecto.Migration
    Tool{"schema_migrations", "version", "SELECT version FROM {} ORDER BY version"},
    // documentation.red-gate.com/flyway, "Flyway schema history table"
    Tool{"flyway_schema_history", "installed_rank version script success",
         "SELECT coalesce(version, script) || CASE WHEN success THEN '' ELSE ' (failed)' END FROM "
         "{} ORDER BY installed_rank"},
    // docs.liquibase.com, "DATABASECHANGELOG table"
    Tool{"databasechangelog", "id author filename orderexecuted",
         "SELECT id || ' ' || author || ' ' || filename FROM {} ORDER BY orderexecuted"},
    // alembic/runtime/migration.py: the heads
    Tool{"alembic_version", "version_num", "SELECT version_num FROM {} ORDER BY version_num"},
    // django/db/migrations/recorder.py
    Tool{"django_migrations", "id app name", "SELECT app || '.' || name FROM {} ORDER BY id"},
    // goose internal/dialect: the newest row of a version counts
    Tool{
        "goose_db_version", "id version_id is_applied",
        "SELECT version_id FROM {} AS one WHERE is_applied AND id = (SELECT max(id) FROM {} AS two "
        "WHERE two.version_id = one.version_id) ORDER BY version_id"},
    // sqlx-core/src/migrate, sqlx-postgres/src/migrate.rs
    Tool{"_sqlx_migrations", "version success",
         "SELECT version || CASE WHEN success THEN '' ELSE ' (failed)' END FROM {} ORDER BY "
         "version"},
    // prisma-engines, sql-schema-connector: applied when finished and not rolled back
    Tool{"_prisma_migrations", "migration_name finished_at rolled_back_at",
         "SELECT migration_name || CASE WHEN finished_at IS NULL THEN ' (failed)' ELSE '' END FROM "
         "{} WHERE rolled_back_at IS NULL ORDER BY finished_at NULLS LAST, migration_name"},
    // learn.microsoft.com/ef/core/managing-schemas/migrations/history-table
    Tool{"__EFMigrationsHistory", "MigrationId",
         "SELECT \"MigrationId\" FROM {} ORDER BY \"MigrationId\""},
    // knexjs.org/guide/migrations.html, lib/migrations/migrate
    Tool{"knex_migrations", "id name batch", "SELECT name FROM {} ORDER BY id"},
    // typeorm.io/docs/migrations: MigrationExecutor
    Tool{"migrations", "id timestamp name", "SELECT name FROM {} ORDER BY id"},
    // Laravel, Illuminate\Database\Migrations\DatabaseMigrationRepository
    Tool{"migrations", "id migration batch", "SELECT migration FROM {} ORDER BY id"},
    // github.com/salsita/node-pg-migrate
    Tool{"pgmigrations", "id name run_on", "SELECT name FROM {} ORDER BY id"},
    // github.com/sequelize/umzug, SequelizeStorage
    Tool{"SequelizeMeta", "name", "SELECT name FROM {} ORDER BY name"},
    // drizzle-orm/src/pg-core/dialect.ts
    Tool{"__drizzle_migrations", "hash created_at",
         "SELECT created_at || ' ' || left(hash, 12) FROM {} ORDER BY created_at"},
    // diesel_migrations, migrations_internals
    Tool{"__diesel_schema_migrations", "version run_on", "SELECT version FROM {} ORDER BY version"},
    // sqitch.org, App::Sqitch::Engine::pg
    Tool{"changes", "change_id script_hash change project committed_at",
         "SELECT project || ':' || change FROM {} ORDER BY committed_at, change"},
    // atlasgo.io, cmd/atlas/internal/migrate/ent/revision
    Tool{
        "atlas_schema_revisions", "version applied total error",
        "SELECT version || CASE WHEN applied < total THEN ' (failed)' ELSE '' END FROM {} ORDER BY "
        "version"},
    // github.com/xataio/pgroll, pkg/state
    Tool{"migrations", "schema name migration parent done",
         "SELECT schema || '.' || name || CASE WHEN done THEN '' ELSE ' (begun)' END FROM {} ORDER "
         "BY created_at"},
    // element-hq/synapse, synapse/storage/prepare_database.py
    Tool{"schema_version", "version upgraded", "SELECT version FROM {}"},
    Tool{"schema_compat_version", "compat_version", "SELECT compat_version FROM {}"},
    // go-gitea/gitea, models/migrations
    Tool{"version", "id version", "SELECT version FROM {} ORDER BY id"},
    // nextcloud/server, lib/private/DB/MigrationService.php
    Tool{"oc_migrations", "app version", "SELECT app || ':' || version FROM {} ORDER BY 1"},
};

struct SchemaTable {
  std::string schema;
  std::string name;
  bool operator<(const SchemaTable& other) const {
    return std::tie(schema, name) < std::tie(other.schema, other.name);
  }
};
using Columns = std::map<SchemaTable, std::set<std::string>>;

Result<Columns> columns_of(const Psql& psql, const std::string& database) {
  std::vector<std::string> names;
  for (const Tool& tool : tools)
    names.push_back(literal(tool.table));
  Columns columns;
  for (const Row& row :
       TRY(psql.run(database,
                    "SELECT n.nspname, c.relname, a.attname FROM pg_class c JOIN pg_namespace n ON "
                    "n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum "
                    "> 0 AND NOT a.attisdropped WHERE c.relkind IN ('r', 'p', 'v') AND n.nspname "
                    "!~ '^pg_' AND n.nspname <> 'information_schema' AND c.relname IN (" +
                        base::join(names, ", ") + ")")))
    columns[{row.at(0), row.at(1)}].insert(row.at(2));
  return columns;
}

bool fits(const Tool& tool, const std::string& name, const std::set<std::string>& columns) {
  const auto wanted = base::split(tool.columns, ' ');
  return tool.table == name && std::ranges::all_of(wanted, [&](const std::string& column) {
           return columns.contains(column);
         });
}

std::string query_of(const Tool& tool, const SchemaTable& table) {
  std::string query;
  for (const std::string& part : base::split(tool.query, '{')) {
    if (!part.starts_with('}'))
      query += part;
    else
      query += ident(table.schema) + "." + ident(table.name) + part.substr(1);
  }
  return query;
}

Result<domain::Ledger> read(const Psql& psql, const std::string& database, const std::string& name,
                            const std::string& query) {
  domain::Ledger ledger{.table = name, .applied = {}};
  for (Row& row : TRY(psql.run(database, "SET row_security = off;\n" + query + "\n;"))) {
    if (row.empty())
      return Error{ErrorKind::invalid_input, "the query of ledger '" + name + "' has no column",
                   "Its first column is the name of a migration."};
    ledger.applied.push_back(std::move(row.front()));
  }
  return ledger;
}

} // namespace

Result<std::vector<domain::Ledger>> read_ledgers(const Psql& psql, const std::string& database,
                                                 const std::string& query) {
  std::vector<domain::Ledger> ledgers;
  for (const auto& [table, columns] : TRY(columns_of(psql, database))) {
    const auto tool = std::ranges::find_if(
        tools, [&each_table = table, &its_columns = columns](const Tool& each) {
          return fits(each, each_table.name, its_columns);
        });
    if (tool == tools.end())
      continue;
    const std::string name =
        table.schema == "public" ? table.name : table.schema + "." + table.name;
    ledgers.push_back(TRY(read(psql, database, name, query_of(*tool, table))));
  }
  if (!query.empty())
    ledgers.push_back(
        TRY_CONTEXT(read(psql, database, "ledger",
                         "RESET search_path;\nSET default_transaction_read_only = on;\n" + query),
                    "`ledger:` of the store"));
  return ledgers;
}

} // namespace drivers::postgres
