#pragma once
// Placebo: the judge's own statistic at moments of the history at which nothing was changed.

#include "judge/judge.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace judge {

// How far a median moved. Latency in logarithms, so that e^value is a ratio.
struct Shift {
  std::int64_t count_before = 0;
  std::int64_t count_after = 0;
  double before = 0; // the median
  double after = 0;  // of the medians of its halves, see shift_at
  double value() const { return after - before; }
};

struct Sample {
  std::int64_t at_ms = 0;
  double value = 0;
};

// The good answers of one request, in time order.
std::vector<Sample> samples_of(const std::vector<Reading>& readings, Measure measure,
                               const std::string& request);

// All good answers of all requests, each as if its request were the usual one: less what `usual`
// (logarithms) has for it, plus their mean. So the mix of requests does not matter.
using Usual = std::map<std::string, double>;
Usual usual_of(const std::vector<Reading>& readings);
std::vector<Sample> pooled_samples(const std::vector<Reading>& readings, const Usual& usual);

// The change that is looked at: the baseline ends, and the watch begins.
struct Moment {
  std::int64_t baseline_end_ms = 0;
  std::int64_t watch_begun_ms = 0;
};

// From the baseline to the watch without its warm-up: to the mean of the medians of its two halves,
// less most of what fell from the first to the second, for what falls will not stay. nullopt: too
// few readings. `before` and `after` may be the same samples.
std::optional<Shift> shift_at(const std::vector<Sample>& before, const std::vector<Sample>& after,
                              const Policy& policy, const Moment& moment);

// `stretches`: quiet readings by time; each of one release, with no upgrade inside. One Placebo
// for the latency of each request and of all together ("" when there are several), and for each
// number of the policy.
std::vector<Placebo> make_placebos(const std::vector<std::vector<Reading>>& stretches,
                                   const Policy& policy);

} // namespace judge
