#pragma once
// Stack fetch: a restore point of a repository, brought into the rollback layer.

#include "app/stack_places.hpp"

#include <functional>
#include <string>

namespace app {

struct FetchRequest {
  std::string stack; // empty: the one of belay.yaml
  std::string point;
  bool may_fetch = true;  // somebody agreed to bring it, should that be needed
  bool needs_data = true; // a point that is here, but gave up its data, is not enough
  TellWait notice;
  TellDoing tell;
  world::Traffic* traffic = nullptr; // of the places; may be none
};

enum class Fetched {
  is_here, // it was in the rollback layer already, or cannot be in a repository
  brought, // it was brought: now it is a point like any other
};

// Looks in the first place of belay.yaml, then in the second. What the way back needs besides the
// data is looked at before anything is brought: the release of its generation must be whole here.
// Each store is brought beside its live data, read back and compared with the repository; the
// manifest is written last. Whenever it dies there is no such point here, and the next attempt, or
// backup, removes what was left. Nothing live is touched.
// invalid_input: nobody agreed (may_fetch). conflict: an operation is in progress. not_found: no
// place has it. failed: the way back could not be gone with it; why. corrupt, no_space.
base::Result<Fetched> fetch_point(const Host& host, const RepoPorts& ports,
                                  const FetchRequest& request, Trouble& trouble);

} // namespace app
