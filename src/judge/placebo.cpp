#include "judge/placebo.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace judge {

namespace {

constexpr std::int64_t placebos_max = 500;
// Cold caches warm up for longer than one thinks: of what fell between the two halves so much is
// taken off, which meets an exponential decay that has outlived the warm-up.
constexpr double still_falling = 0.85;
constexpr std::int64_t half_min = readings_min / 2;

std::vector<double> between(const std::vector<Sample>& samples, std::int64_t from,
                            std::int64_t to) {
  const auto first = std::ranges::lower_bound(samples, from, {}, &Sample::at_ms);
  const auto last = std::ranges::lower_bound(samples, to, {}, &Sample::at_ms);
  std::vector<double> values;
  for (auto at = first; at < last; ++at)
    values.push_back(at->value);
  return values;
}

// Time that was really recorded: a recorder that was off does not make history longer.
std::int64_t span_of(const std::vector<Sample>& samples, std::int64_t hole_ms) {
  std::int64_t span = 0;
  for (std::size_t i = 1; i < samples.size(); ++i)
    if (const auto gap = samples[i].at_ms - samples[i - 1].at_ms; gap <= hole_ms)
      span += gap;
  return span;
}

Placebo make_placebo(const std::vector<std::vector<Reading>>& stretches, const Policy& policy,
                     Measure measure, const std::string& request) {
  Placebo placebo{.measure = measure, .request = request};
  std::vector<std::vector<Sample>> all;
  for (const auto& stretch : stretches) {
    all.push_back(request.empty() ? pooled_samples(stretch, usual_of(stretch))
                                  : samples_of(stretch, measure, request));
    placebo.span_ms += span_of(all.back(), policy.watch_ms);
  }
  const std::int64_t step =
      std::max({policy.watch_ms / 5, placebo.span_ms / placebos_max, std::int64_t{1}});
  for (const auto& samples : all) {
    if (samples.empty())
      continue;
    const std::int64_t last = samples.back().at_ms - policy.watch_ms;
    for (std::int64_t at = samples.front().at_ms + policy.baseline_ms; at <= last; at += step)
      if (const auto shift = shift_at(samples, samples, policy, {at, at}))
        placebo.shifts.push_back(shift->value());
  }
  std::ranges::sort(placebo.shifts);
  return placebo;
}

} // namespace

std::vector<Sample> samples_of(const std::vector<Reading>& readings, Measure measure,
                               const std::string& request) {
  std::vector<Sample> samples;
  for (const Reading& reading : readings) {
    if (reading.request != request || reading.answer != Answer::ok)
      continue;
    if (measure == Measure::latency) // less than a millisecond is not told apart
      samples.push_back({reading.at_ms, std::log(std::max(reading.latency_ms, 1.0))});
    else if (reading.number)
      samples.push_back({reading.at_ms, *reading.number});
  }
  return samples;
}

Usual usual_of(const std::vector<Reading>& readings) {
  std::set<std::string> requests;
  for (const Reading& reading : readings)
    requests.insert(reading.request);
  Usual usual;
  for (const std::string& request : requests) {
    std::vector<double> values;
    for (const Sample& sample : samples_of(readings, Measure::latency, request))
      values.push_back(sample.value);
    if (!values.empty())
      usual[request] = median(std::move(values));
  }
  return usual;
}

std::vector<Sample> pooled_samples(const std::vector<Reading>& readings, const Usual& usual) {
  double mean = 0;
  for (const auto& [request, value] : usual)
    mean += value / static_cast<double>(usual.size());
  std::vector<Sample> samples;
  for (const Reading& reading : readings)
    if (const auto of = usual.find(reading.request);
        of != usual.end() && reading.answer == Answer::ok)
      samples.push_back(
          {reading.at_ms, std::log(std::max(reading.latency_ms, 1.0)) - of->second + mean});
  return samples;
}

std::optional<Shift> shift_at(const std::vector<Sample>& before, const std::vector<Sample>& after,
                              const Policy& policy, const Moment& moment) {
  const std::int64_t from = moment.watch_begun_ms + policy.warm_up_ms;
  const std::int64_t to = moment.watch_begun_ms + policy.watch_ms;
  const std::int64_t middle = from + (to - from) / 2;
  const auto reference =
      between(before, moment.baseline_end_ms - policy.baseline_ms, moment.baseline_end_ms);
  const auto first = between(after, from, middle);
  const auto second = between(after, middle, to);
  Shift shift;
  shift.count_before = static_cast<std::int64_t>(reference.size());
  shift.count_after = static_cast<std::int64_t>(first.size() + second.size());
  if (shift.count_before < readings_min || std::min(first.size(), second.size()) < half_min)
    return std::nullopt;
  shift.before = median(reference);
  const double early = median(first);
  const double late = median(second);
  shift.after = std::midpoint(early, late) - still_falling * std::max(early - late, 0.0);
  return shift;
}

std::vector<Placebo> make_placebos(const std::vector<std::vector<Reading>>& stretches,
                                   const Policy& policy) {
  std::set<std::string> requests;
  for (const auto& stretch : stretches)
    for (const Reading& reading : stretch)
      requests.insert(reading.request);
  std::vector<Placebo> placebos;
  if (requests.size() > 1)
    placebos.push_back(make_placebo(stretches, policy, Measure::latency, ""));
  for (const std::string& request : requests) {
    placebos.push_back(make_placebo(stretches, policy, Measure::latency, request));
    if (std::ranges::find(policy.numbers, request) != policy.numbers.end())
      placebos.push_back(make_placebo(stretches, policy, Measure::number, request));
  }
  return placebos;
}

} // namespace judge
