#include "schedule/timing.hpp"

#include <algorithm>

namespace schedule {
namespace {

using std::chrono_literals::operator""min;
using std::chrono_literals::operator""s;
using world::TimePoint;

constexpr auto retry_first = 1min;
constexpr auto retry_longest = 60min;
constexpr auto skipped_again = 1min;

// Spreads neighbouring seeds and moments evenly: the finaliser of SplitMix64 (Steele and others,
// "Fast splittable pseudorandom number generators", 2014).
std::uint64_t mixed(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

world::Milliseconds share_of(world::Milliseconds jitter, std::uint64_t seed, TimePoint planned) {
  if (jitter.count() <= 0)
    return world::Milliseconds{0};
  const auto moment = static_cast<std::uint64_t>(planned.time_since_epoch() / 1s);
  return world::Milliseconds{static_cast<std::int64_t>(
      mixed(seed ^ mixed(moment)) % static_cast<std::uint64_t>(jitter.count() + 1))};
}

// Of the moments after `moment`, the last that is not after `now`; else the next one.
std::optional<TimePoint> last_missed(const Timing& timing, TimePoint moment, TimePoint now) {
  if (timing.cron) {
    const auto missed = last_time(*timing.cron, timing.zone, moment, now);
    return missed ? missed : next_time(*timing.cron, timing.zone, moment);
  }
  const TimePoint planned = moment + timing.every;
  return planned > now ? planned : planned + (now - planned) / timing.every * timing.every;
}

world::Milliseconds pause_after(int failures) {
  world::Milliseconds pause = retry_first;
  for (int i = 1; i < failures && pause < retry_longest; ++i)
    pause *= 2;
  return std::min<world::Milliseconds>(pause, retry_longest);
}

} // namespace

std::optional<Due> next_due(const Timing& timing, const Past& past, TimePoint now,
                            std::uint64_t seed) {
  std::optional<TimePoint> planned;
  if (!past.planned && !timing.cron)
    planned = past.since;
  else
    planned = last_missed(timing, past.planned.value_or(past.since), now);
  std::optional<Due> due;
  if (planned)
    due = Due{*planned + share_of(timing.jitter, seed, *planned), *planned};
  if (past.planned && past.ended && (past.failures > 0 || past.was_skipped)) {
    const TimePoint again = *past.ended + (past.was_skipped ? world::Milliseconds{skipped_again}
                                                            : pause_after(past.failures));
    if (!due || again < due->at)
      due = Due{again, *past.planned, true};
  }
  return due;
}

} // namespace schedule
