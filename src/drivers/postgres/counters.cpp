#include "drivers/postgres/counters.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace drivers::postgres {

using base::Result;

namespace {} // namespace

Result<Counters> counters_of(const Psql& psql, const std::string& database) {
  Counters counters;
  for (Row& row : TRY(psql.run(
           database, "SELECT datid, stats_reset, '', '' FROM pg_stat_database WHERE datname = "
                     "current_database();\n"
                     "SELECT relid::regclass, n_tup_ins, n_tup_upd, n_tup_del FROM "
                     "pg_stat_user_tables WHERE n_tup_ins + n_tup_upd + n_tup_del > 0 ORDER BY "
                     "relid::regclass::text"))) {
    if (counters.oid == 0) {
      counters.oid = number_of(row.at(0));
      counters.reset_at = std::move(row.at(1));
      continue;
    }
    counters.tables.push_back(
        {std::move(row.at(0)), number_of(row.at(1)), number_of(row.at(2)), number_of(row.at(3))});
  }
  return counters;
}

std::optional<std::string> tell_counted(const Counters& before, const Counters& now) {
  if (before.oid == 0 || before.oid != now.oid || before.reset_at != now.reset_at)
    return std::nullopt;
  std::uint64_t rows = 0;
  std::uint64_t tables = 0;
  for (const TableCounter& table : now.tables) {
    const auto found = std::ranges::find(before.tables, table.table, &TableCounter::table);
    const TableCounter then = found == before.tables.end() ? TableCounter{} : *found;
    if (then.inserted > table.inserted || then.updated > table.updated ||
        then.deleted > table.deleted)
      return std::nullopt;
    const std::uint64_t written = table.inserted - then.inserted + table.updated - then.updated +
                                  table.deleted - then.deleted;
    rows += written;
    tables += written == 0 ? 0 : 1;
  }
  return "about " + base::plural(rows, "row", "rows") + " in " +
         base::plural(tables, "table", "tables") + ", by the server's counters";
}

} // namespace drivers::postgres
