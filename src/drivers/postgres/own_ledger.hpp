#pragma once
// Own ledger: the table in which belay writes what it has applied: its own, or one that the user's
// runner kept before. docs/formats/migrations.md.

#include "drivers/postgres/psql.hpp"
#include "migrations/folder.hpp"

#include <string>
#include <vector>

namespace drivers::postgres {

inline constexpr const char* own_ledger_table = "belay_migrations";

// How the name of a file is written in a ledger: "0001_a.sql", "0001_a" or "0001".
enum class NameForm { file, stem, number };

struct LedgerTable {
  std::string wanted; // as configured: "_schema_migrations", "shop.applied"
  bool exists = false;
  std::string name_column;
  std::string time_column;       // empty: it has none
  std::string digest_column;     // empty
  std::string compatible_column; // empty
  NameForm form = NameForm::file;
  std::vector<migrations::Applied> lines; // as they are written there
  std::vector<bool> compatible;           // one a line; false where it is not told

  std::string quoted() const; // "shop"."applied"; looked up in the role's own search_path
  // The line of this file, by any form of its name; nothing: it was not applied.
  const migrations::Applied* line_of(const std::string& file) const;
  std::string name_for(const std::string& file) const; // as it is written for a new line
};

// Read-only. conflict: it is a table that belay cannot keep, and why.
base::Result<LedgerTable> read_own_ledger(const Psql& psql, const std::string& table);

// SQL that makes it where it is missing, and one that adds the line of `file`, which is then in
// `place`: a table as it is written in SQL.
std::string create_ledger(const LedgerTable& ledger);
std::string insert_line(const LedgerTable& ledger, const std::string& place,
                        const std::string& file, const std::string& sha256, bool is_compatible);

} // namespace drivers::postgres
