#pragma once
// Vitals: tells the supervisor (systemd) that the daemon is ready, moves, stops; and how it is.

#include "serve/line.hpp"
#include "serve/pages.hpp"
#include "world/supervisor.hpp"

#include <string>

namespace serve {

class Vitals {
public:
  // `supervisor` may be null: then nobody is told.
  Vitals(world::Supervisor* supervisor, world::Clock& clock, Tell tell)
      : supervisor_{supervisor}, clock_{clock}, tell_{std::move(tell)} {}

  // By the loop that does the work, and by nobody else: when it hangs, nobody says that it moves.
  void moves();
  // The loop has looked at what was due. The first time that the board is ready, that is told.
  void looked(const Board& board);
  void stops();
  // No longer than this may go by between two calls of moves().
  world::Milliseconds pause_max() const;

private:
  void send(const std::string& lines);
  world::Supervisor* supervisor_;
  world::Clock& clock_;
  Tell tell_;
  bool is_ready_ = false;
  bool has_failed_ = false; // that is told once
  std::optional<world::Milliseconds> moved_at_;
  std::optional<world::Milliseconds> looked_at_;
  std::string status_;
};

// One line for `systemctl status`: "2 stacks; shop: backup runs; 1 is not well: see /healthz".
std::string status_of(const Board& board, world::TimePoint now);

} // namespace serve
