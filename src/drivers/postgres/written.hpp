#pragma once
// Written: what was written in one database and is not in another, table by table, by primary key:
// counted, and as SQL that can be replayed. Tables without a key are compared as sets of whole
// rows.

#include "drivers/postgres/server.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace drivers::postgres {

struct TableWritten {
  std::string table; // "public.orders", as SQL names it
  std::uint64_t added = 0;
  std::uint64_t changed = 0;
  std::uint64_t removed = 0;
  bool has_key = true;
  bool is_new = false; // the other database has no such table
  std::uint64_t rows() const { return added + changed + removed; }
};

struct Written {
  std::vector<TableWritten> tables; // those in which something was; parents before children
  std::vector<std::string> notes;   // what is not in the SQL: "column public.orders.note ..."
  std::uint64_t rows() const;
};
std::string tell(const Written& written); // "312 rows in 4 tables"; "nothing"

class Writings {
public:
  // `folder` is for temporary files; it is made, and removed again.
  Writings(world::World world, const Server& server, std::string folder)
      : world_{world}, server_{server}, folder_{std::move(folder)} {}

  base::Result<Written> count(const std::string& before, const std::string& after);
  // written.sql (inserts and updates, one transaction), removed.sql (deletes), new-tables.sql (rows
  // of tables that `before` does not have) and summary.txt, in the folder `into`.
  base::Result<Written> write(const std::string& before, const std::string& after,
                              const std::string& into);

private:
  struct Difference;
  base::Result<std::vector<Difference>> compare(const std::string& before, const std::string& after,
                                                std::vector<std::string>& notes);
  base::Result<std::vector<Difference>> compare_in_folder(const std::string& before,
                                                          const std::string& after,
                                                          std::vector<std::string>& notes);
  base::Result<> merge(std::vector<Difference>& all);
  world::World world_;
  const Server& server_;
  std::string folder_;
};

} // namespace drivers::postgres
