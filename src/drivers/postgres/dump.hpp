#pragma once
// Dump: one database as one file in pg_dump's own custom format, uncompressed so that it
// deduplicates. What it must hold is read from the same snapshot of the data, and it is none until
// it was restored beside the live database and found to hold just that.

#include "drivers/postgres/record.hpp"

#include <functional>
#include <optional>
#include <string>

namespace drivers::postgres {

class Dumps {
public:
  Dumps(world::World world, const Server& server) : world_{world}, server_{server} {}

  // Makes `path` and says in `kept` what it holds: dump_sha256, dump_bytes, layout, content.
  // Services may run. Not proved yet.
  base::Result<> take(const std::string& path, Kept& kept) const;
  // Restores `path` into the throwaway database `name`, compares it with `kept`, drops it. corrupt
  // says what differs, or what pg_restore said.
  base::Result<> prove(const std::string& path, const Kept& kept, const std::string& name) const;
  // The new database `name` from `path`, compared with `kept` and analysed. An older one of this
  // name is dropped. Whatever fails, it is dropped again.
  base::Result<> restore(const std::string& path, const Kept& kept, const std::string& name) const;
  // The new database `name` from the live one as it is now, by way of `path`; neither compared nor
  // analysed. An older one of this name is dropped. Whatever fails, both may be left. Services may
  // run.
  base::Result<> copy(const std::string& path, const std::string& name) const;

private:
  base::Result<> write(const std::string& path, const std::vector<std::string>& words,
                       const std::string& application) const;
  base::Result<std::optional<std::string>>
  wait_for_snapshot(const std::string& mark, const std::function<bool()>& has_ended) const;
  base::Result<> fill(const std::string& path, const std::string& name) const;
  base::Result<> compare(const Kept& kept, const std::string& name) const;
  RunOptions long_run() const { return {.timeout = server_.spec().timeout}; }
  world::World world_;
  const Server& server_;
};

} // namespace drivers::postgres
