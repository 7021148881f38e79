#pragma once
// Catalog: what a database holds, as two things that can be compared: its layout (every object of
// its schemas, one line each) and its content (for every table the count of its rows and a sum of
// their hashes, which does not depend on their order). Both survive dump, restore and copy.

#include "drivers/postgres/psql.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace drivers::postgres {

// The layout as sorted lines: "column public.orders.note text", with owners and grants. Its script
// gives rows of one column, which read_layout() takes.
std::string layout_script();
std::vector<std::string> read_layout(const Rows& rows);
base::Result<std::vector<std::string>> layout_of(const Psql& psql, const std::string& database,
                                                 const RunOptions& options);
std::string digest_of_layout(const std::vector<std::string>& lines);
// "column public.orders.note is new, table public.old is gone, and 3 more"; empty: nothing differs.
std::string tell_layout(const std::vector<std::string>& before,
                        const std::vector<std::string>& after);

enum class Reading { counts, sampled, whole };

struct TableContent {
  std::string name; // "public.orders", quoted as in SQL; "sequence public.orders_id_seq"
  std::uint64_t rows = 0;
  std::string hash; // empty: of no row
  bool operator==(const TableContent&) const = default;
};
using Content = std::vector<TableContent>; // by name

// A script that reads the content; read_content() takes its rows. Each row of each table is read,
// by no index. counts: no hashes, so that long values that are stored apart are not read. sampled:
// a sixteenth of the rows of each table with a primary key is hashed.
std::string content_script(Reading reading);
Content read_content(const Rows& rows);
base::Result<Content> content_of(const Psql& psql, const std::string& database, Reading reading,
                                 const RunOptions& options);
// "public.orders has 3 rows, not 5"; empty: nothing differs.
std::string tell_content(const Content& wanted, const Content& found);
std::uint64_t rows_of(const Content& content); // of all tables

} // namespace drivers::postgres
