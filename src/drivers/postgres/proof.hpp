#pragma once
// Proof: that a data folder is a server's whole data: its pages are as they were written, a server
// of its version starts on a copy, and each row of each database can be read. One that was copied
// while its server ran has each file and all WAL that its manifest names, and recovers.

#include "drivers/postgres/catalog.hpp"
#include "drivers/postgres/throwaway.hpp"

#include <string>
#include <vector>

namespace drivers::postgres {

// What was found. In `proved.json` beside the kept data folder; docs/formats/kept-postgres.md.
struct Proof {
  struct Database {
    std::string name;
    std::string layout; // digest
    Content content;    // counts; without what is in no row
    bool operator==(const Database&) const = default;
  };
  std::string system;
  bool has_checksums = false;
  std::vector<Database> databases; // by name
  bool operator==(const Proof&) const = default;
  std::uint64_t rows() const;
};

// Proves `data` by a throwaway server in `folder`, which is gone afterwards. corrupt: it is none.
base::Result<Proof> prove(world::World world, const domain::PostgresSpec& spec,
                          const std::string& data, const std::string& folder);
// What is otherwise than it was; empty: nothing.
std::string tell(const Proof& wanted, const Proof& found);

std::string to_json(const Proof& proof);
base::Result<Proof> proof_from(const std::string& text, const std::string& path); // corrupt

} // namespace drivers::postgres
