#pragma once
// Timing: when something that is done again and again is due next. Pure.

#include "schedule/cron.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace schedule {

// Exactly one of `cron` and `every`.
struct Timing {
  std::optional<Cron> cron;
  world::Milliseconds every{0};
  std::string zone = "UTC"; // of cron
  world::Milliseconds jitter{0};
};

// What is remembered of it. All of it survives a restart.
struct Past {
  world::TimePoint since;                  // when it was first seen
  std::optional<world::TimePoint> planned; // the moment that the last run was for
  std::optional<world::TimePoint> ended;   // when the last run ended
  int failures = 0;                        // of the last runs, one after the other
  bool was_skipped = false;                // the last run did not begin: tried again soon
};

struct Due {
  world::TimePoint at;      // when to begin
  world::TimePoint planned; // the moment that it is for; of several that were missed, the last
  bool is_retry = false;
};

// Nothing when there is no such moment. What was missed is made up once: then `at` lies before
// `now`. With `every` a first run is due at once. After a failure it is tried again after 1, 2, 4
// ... minutes, an hour at most, until the next regular moment comes. `seed` moves a run by its own
// share of the jitter, always the same one for the same moment.
std::optional<Due> next_due(const Timing& timing, const Past& past, world::TimePoint now,
                            std::uint64_t seed);

} // namespace schedule
