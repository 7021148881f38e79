#pragma once
// Swap: brings a kept tree in and what is live out, so that a crash at any point can be told and
// ended. Used by the directory store.
//
// An ordinary folder is exchanged by one rename. A mount point cannot be renamed: its children are
// moved in two passes. The sidecar `swap` (docs/formats/kept-data.md) is written before the first
// change and says which way, and what the two sides were.

#include "base/result.hpp"
#include "world/world.hpp"

#include <string>
#include <vector>

namespace drivers::directory {

struct SwapPaths {
  std::string live;      // resolved path of the store
  std::string kept;      // `<id>/tree` of the snapshot; gone when the swap is over
  std::string abandoned; // folder of the abandoned set: `tree`, `incoming` and `swap` live in it
  bool is_mount_point = false;
  std::vector<std::string> exclude; // stay at their place in the live tree
};

// Idempotent. Afterwards `abandoned`/tree is what was live, and `live` is what was kept.
base::Result<> swap_in(world::World world, const SwapPaths& paths);

} // namespace drivers::directory
