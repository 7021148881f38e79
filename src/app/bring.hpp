#pragma once
// Bring: one store of a restore point, from a repository to where its driver keeps copies.

#include "app/stack_places.hpp"
#include "engine/engine.hpp"
#include "repo/lock.hpp"

#include <functional>
#include <optional>
#include <string>

namespace app {

struct BringTarget {
  const domain::StoreSpec* spec = nullptr;
  domain::Snapshot stored; // as the manifest has it
  std::string kept;        // where it is to be
  bool is_file = false;
};

// Where the copy `id` of the store would be. Nothing: this kind of store, or this store by now, can
// not be brought; `why` says so.
base::Result<std::optional<BringTarget>>
target_of(engine::Drivers drivers, const domain::Stack& stack, const domain::StoreSpec& spec,
          const domain::Snapshot& stored, const std::string& id, std::string& why);

struct BringFrom {
  repo::Repository& repository; // its index was loaded
  repo::Lock& lock;
  const repo::format::Snapshot& snapshot;
  world::Folders& folders;
  TellDoing tell;
};
// Read back from the disk, compared with the repository, and verified by the driver. What stood
// there goes first; after a failure a part of it may be left, which discard() removes. corrupt.
base::Result<domain::Snapshot> bring(const BringFrom& from, engine::Drivers drivers,
                                     const std::string& stack, const BringTarget& target,
                                     const std::string& id);

} // namespace app
