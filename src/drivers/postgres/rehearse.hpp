#pragma once
// Rehearse: the pending files of a database, applied to a copy of it that is dumped and restored
// for this alone. `CREATE DATABASE ... TEMPLATE` would keep every session out while it copies.

#include "domain/migration.hpp"
#include "drivers/postgres/server.hpp"

#include <string>

namespace drivers::postgres {

// Where a rehearsal keeps what it makes.
struct Scratch {
  Psql psql;          // of the copy, which need not exist
  std::string folder; // absolute, of this rehearsal alone or of its restore point

  const std::string& database() const { return psql.reach().spec().database; }
  // Stands as long as anything of it may be left.
  std::string mark() const { return folder + "/rehearsing"; }
  std::string dump() const { return folder + "/rehearsal.dump"; }
};

class Rehearsals {
public:
  Rehearsals(world::World world, const Server& live, Scratch scratch)
      : world_{world}, live_{live}, scratch_{std::move(scratch)} {}

  // Why it is not rehearsed now, with what to do about it; empty: nothing is in the way. Read-only.
  base::Result<std::string> why_not(const domain::RehearsalRequest& request) const;
  // Makes the copy, applies, looks, and removes the copy, whatever happened. What died is made
  // anew.
  base::Result<domain::Rehearsal> rehearse(const domain::RehearsalRequest& request) const;
  base::Result<> clean_up() const; // idempotent

private:
  base::Result<> make_copy(domain::Rehearsal& rehearsal) const;
  base::Result<> apply_all(const domain::RehearsalRequest& request,
                           domain::Rehearsal& rehearsal) const;
  base::Result<> apply_folder(const domain::RehearsedFolder& folder,
                              domain::Rehearsal& rehearsal) const;
  base::Result<std::vector<std::string>> layout() const;
  base::Result<std::string> beyond(const domain::RehearsalRequest& request) const;
  std::string no_room(std::uint64_t bytes, const Facts& facts, bool is_any_size) const;
  base::Result<> go_on() const; // interrupted, when we are asked to stop
  world::World world_;
  const Server& live_;
  Scratch scratch_;
};

} // namespace drivers::postgres
