#pragma once
// Placebo: the judge's own statistic at moments of the history at which nothing was changed.

#include "judge/judge.hpp"

#include <optional>
#include <vector>

namespace judge {

// How far a median moved. Latency in logarithms, so that e^value is a ratio.
struct Shift {
  std::int64_t count_before = 0;
  std::int64_t count_after = 0;
  double before = 0; // the median
  double after = 0;  // the median of the half that moved less
  double value() const { return after - before; }
};

struct Sample {
  std::int64_t at_ms = 0;
  double value = 0;
};

// The good answers of one request, in time order.
std::vector<Sample> samples_of(const std::vector<Reading>& readings, Measure measure,
                               const std::string& request);

// The change that is looked at: the baseline ends, and the watch begins.
struct Moment {
  std::int64_t baseline_end_ms = 0;
  std::int64_t watch_begun_ms = 0;
};

// From the baseline to the watch without its warm-up. What moved must have stayed: of the two
// halves after, the one that moved less counts. nullopt: too few readings. `before` and `after`
// may be the same samples.
std::optional<Shift> shift_at(const std::vector<Sample>& before, const std::vector<Sample>& after,
                              const Policy& policy, const Moment& moment);

// `stretches`: quiet readings by time; each of one release, with no upgrade inside. One Placebo
// for the latency of each request, and for each number of the policy.
std::vector<Placebo> make_placebos(const std::vector<std::vector<Reading>>& stretches,
                                   const Policy& policy);

} // namespace judge
