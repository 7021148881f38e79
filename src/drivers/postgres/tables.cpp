#include "drivers/postgres/tables.hpp"

#include <algorithm>

namespace drivers::postgres {

using base::Result;

namespace {

constexpr const char* script =
    "CREATE TEMP VIEW rel AS SELECT c.oid, c.oid::regclass::text AS name FROM pg_class c JOIN "
    "pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND "
    "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM "
    "pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e');\n"
    "SELECT 'table', r.name, '' FROM pg_temp.rel r;\n"
    "SELECT 'key', r.name, quote_ident(a.attname) FROM pg_temp.rel r JOIN pg_index i ON i.indrelid "
    "= r.oid AND i.indisprimary JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = ANY "
    "(i.indkey) ORDER BY r.name, array_position(i.indkey::int[], a.attnum::int);\n"
    "SELECT 'column', r.name, quote_ident(a.attname) FROM pg_temp.rel r JOIN pg_attribute a ON "
    "a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY "
    "r.name, a.attnum;\n"
    "SELECT 'parent', r.name, p.name FROM pg_temp.rel r JOIN pg_constraint o ON o.conrelid = r.oid "
    "AND o.contype = 'f' JOIN pg_temp.rel p ON p.oid = o.confrelid AND p.oid <> r.oid;\n";

// Tables that refer to one another in a circle end somewhere: their rows may need a hand.
void find_depths(Tables& tables) {
  for (std::size_t round = 0; round < tables.size(); ++round) {
    bool has_moved = false;
    for (auto& [name, table] : tables)
      for (const std::string& parent : table.parents)
        if (const auto found = tables.find(parent);
            found != tables.end() && table.depth <= found->second.depth) {
          table.depth = found->second.depth + 1;
          has_moved = true;
        }
    if (!has_moved)
      return;
  }
}

} // namespace

Result<Tables> tables_of(const Psql& psql, const std::string& database) {
  Tables tables;
  for (const Row& row : TRY(psql.run(database, "SET default_transaction_read_only = off;\n" +
                                                   std::string{script}))) {
    if (row.size() != 3)
      continue;
    Table& table = tables[row[1]];
    if (row[0] == "key")
      table.key.push_back(row[2]);
    else if (row[0] == "column")
      table.columns.push_back(row[2]);
    else if (row[0] == "parent")
      table.parents.push_back(row[2]);
  }
  find_depths(tables);
  return tables;
}

std::string row_text(const std::vector<std::string>& columns) {
  std::string text = "row(";
  for (const std::string& column : columns)
    text += (text.ends_with('(') ? "t." : ", t.") + column;
  return text + ")::text";
}

} // namespace drivers::postgres
