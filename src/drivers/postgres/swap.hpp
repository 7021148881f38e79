#pragma once
// Swap: brings a kept database in under the live name, and what was live out, by renaming both in
// one transaction. The folder of the abandoned set holds, before the first change, `swap.json`: the
// oids of both, by which a crash at any point is told and ended.

#include "drivers/postgres/record.hpp"

#include <string>
#include <vector>

namespace drivers::postgres {

// The databases that are fenced off now, by name, one a line, in this file: whoever comes after a
// crash lets their users in again.
class Fences {
public:
  Fences(world::World world, const Server& server, std::string path)
      : world_{world}, server_{server}, path_{std::move(path)} {}

  // conflict when a session does not go: then none of them is fenced off.
  base::Result<> put_up(const std::vector<std::string>& databases);
  base::Result<> take_down(); // idempotent; those that are gone or were renamed are no error

private:
  world::World world_;
  const Server& server_;
  std::string path_;
};

// Idempotent: ends old or new. conflict: the live database is neither what was live nor what was
// kept; or its sessions do not go, and then it is as it was. `settings` are put on what comes in.
base::Result<> swap_in(const Server& server, Fences& fences, const SwapRecord& swap,
                       const std::string& abandoned, const std::vector<Setting>& settings);

} // namespace drivers::postgres
