#pragma once
// Stack retention: lets restore points of one stack go from the repositories of belay.yaml, by
// `backup.keep`. What else is in a repository, other stacks' points too, is never touched.

#include "app/stack_places.hpp"
#include "repo/retention.hpp"

#include <optional>
#include <string>
#include <vector>

namespace app {

struct LetGoRequest {
  std::string stack;
  bool is_dry_run = false;
  double unused_max = 0.05; // as PruneOptions; the space is given back when something went
  TellWait notice;          // may be empty
  TellDoing tell;
  world::Traffic* traffic = nullptr; // of the places; may be none
};

struct LetGo {
  struct Place {
    std::string location;
    std::vector<repo::Decision> decisions; // oldest first
    std::size_t gone = 0;
    std::uint64_t bytes_freed = 0;
    std::optional<base::Error> failure; // what was let go before it stays gone
    Trouble trouble{};                  // why it does not open
  };
  std::vector<Place> places;
};

// Pure. The policy, and beside it always: the newest two, the newest without a torn file, and those
// that somebody tagged `pinned`. Oldest first.
std::vector<repo::Decision> decide_points(const std::vector<StoredPoint>& points,
                                          const domain::KeepPolicy& policy);

// Idempotent. invalid_input: belay.yaml has no `backup.keep`. The first place, then the second one,
// whatever comes of the first.
base::Result<LetGo> let_go(const Host& host, const RepoPorts& ports, const LetGoRequest& request);

// True for a restore point that no policy lets go: somebody tagged it `pinned`.
bool is_pinned(const repo::format::Snapshot& snapshot);

} // namespace app
