#pragma once
// Pages: what is answered to who asks: health as JSON, metrics as Prometheus reads them. Pure.

#include "serve/archive_view.hpp"
#include "world/http_server.hpp"

#include <string>
#include <vector>

namespace serve {

struct Board { // of one moment
  std::string version;
  std::string metrics_prefix = "belay_";
  world::TimePoint began;  // the daemon
  world::TimePoint ticked; // when it last looked at everything
  bool is_ready = false;   // it has looked at everything once, and what a crash left is ended
  std::vector<StackView> stacks;
  std::optional<ArchiveView> archives; // nothing: no variable asks for them
};

// 200: well or degraded; 503: an error or stale.
world::ServedResponse healthz(const Board& board, world::TimePoint now);
// 503 when the loop has stood still for two minutes.
world::ServedResponse live(const Board& board, world::TimePoint now);
world::ServedResponse ready(const Board& board);
// Text format 0.0.4. What is not known yet is absent, never 0.
world::ServedResponse metrics(const Board& board, world::TimePoint now);
world::ServedResponse not_allowed(); // 405: these pages are only read
// The page of `path`, or 404 with the paths that there are.
world::ServedResponse answer(const Board& board, const std::string& path, world::TimePoint now);

} // namespace serve
