#pragma once
// Tables: what has to be known of the tables of a database to compare and to write their rows.

#include "drivers/postgres/psql.hpp"

#include <map>
#include <string>
#include <vector>

namespace drivers::postgres {

struct Table {
  std::vector<std::string> key;     // columns of the primary key, quoted
  std::vector<std::string> columns; // that can be written, quoted, in their order
  std::vector<std::string> parents; // tables that its foreign keys refer to
  int depth = 0;                    // of references: parents come before children
};
using Tables = std::map<std::string, Table>; // by name, as SQL writes it

base::Result<Tables> tables_of(const Psql& psql, const std::string& database);

// "row(t."a", t."b")::text"
std::string row_text(const std::vector<std::string>& columns);

} // namespace drivers::postgres
