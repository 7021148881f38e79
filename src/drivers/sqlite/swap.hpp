#pragma once
// Swap: brings a kept database in and what is live out, so that a crash at any point can be told
// and ended. The folder of the abandoned set holds then:
//
//   swap          "database-swap 1\nlive INODE\nincoming INODE\n" (0: nothing was live), written
//                 before the first change: only an inode can say whether an exchange happened
//   incoming      on its way: the kept database, and after the exchange what was live
//   NAME          in the end, what was live
//   NAME-wal ...  its companions, where they could not be folded into it
//
// A companion file never stands beside a database that is not its own: SQLite would replay it.

#include "base/result.hpp"
#include "world/world.hpp"

#include <array>
#include <string>

namespace drivers::sqlite {

// Files that SQLite keeps beside a database.
inline constexpr std::array companions{"-wal", "-shm", "-journal"};

struct SwapPaths {
  std::string live;      // the database file, links resolved
  std::string kept;      // the copy that comes in; gone when the swap is over
  std::string abandoned; // folder of the abandoned set
};

base::Result<bool> has_begun(world::World world, const SwapPaths& paths);
// Idempotent. Nobody may have the database open: unavailable when somebody has.
base::Result<> swap_in(world::World world, const SwapPaths& paths);

} // namespace drivers::sqlite
