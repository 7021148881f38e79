#pragma once
// Ledger: reads what migration tools keep in a database, our own table among them. Read-only.

#include "domain/migration.hpp"
#include "drivers/postgres/psql.hpp"

#include <string>
#include <vector>

namespace drivers::postgres {

// Every known ledger, in whatever schema it is ("public.schema_migrations"); with `query` (a
// SELECT) that one too, as "ledger".
base::Result<std::vector<domain::Ledger>>
read_ledgers(const Psql& psql, const std::string& database, const std::string& query);

} // namespace drivers::postgres
