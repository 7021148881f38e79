#pragma once
// Counters: how many rows were written in each table, as the server's own statistics have it. They
// cost nothing, whatever the size; they count what was rolled back too, and begin anew after a
// crash of the server.

#include "drivers/postgres/psql.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace drivers::postgres {

struct TableCounter {
  std::string table; // "public.orders", quoted as in SQL
  std::uint64_t inserted = 0;
  std::uint64_t updated = 0;
  std::uint64_t deleted = 0;
  bool operator==(const TableCounter&) const = default;
};

struct Counters {
  std::uint64_t oid = 0; // of the database: another one counts from another beginning
  std::string reset_at;  // empty: never
  std::vector<TableCounter> tables;
  bool operator==(const Counters&) const = default;
};

base::Result<Counters> counters_of(const Psql& psql, const std::string& database);
// "about 312 rows in 4 tables, by the server's counters"; nothing: they cannot tell.
std::optional<std::string> tell_counted(const Counters& before, const Counters& now);

} // namespace drivers::postgres
