#pragma once
// Stack retention: lets restore points of one stack go from the repositories of belay.yaml, by
// `backup.keep`. What else is in a repository, other stacks' points too, is never touched.

#include "app/stack_places.hpp"
#include "repo/retention.hpp"

#include <string>
#include <vector>

namespace app {

struct LetGoRequest {
  std::string stack;
  bool is_dry_run = false;
  double unused_max = 0.05; // as PruneOptions; the space is given back when something went
};

struct LetGo {
  struct Place {
    std::string location;
    std::vector<repo::Decision> decisions; // oldest first
    std::size_t gone = 0;
    std::uint64_t bytes_freed = 0;
  };
  std::vector<Place> places;
};

// Pure. The policy, and beside it always: the newest two, the newest without a torn file, and those
// that somebody tagged `pinned`. Oldest first.
std::vector<repo::Decision> decide_points(const std::vector<StoredPoint>& points,
                                          const domain::KeepPolicy& policy);

// Idempotent. invalid_input: belay.yaml has no `backup.keep`. The first place, then the second one.
// `trouble` tells why a place does not open.
base::Result<LetGo> let_go(const Host& host, const RepoPorts& ports, const LetGoRequest& request,
                           Trouble& trouble);

} // namespace app
