#include "simulated.hpp"

#include "judge/placebo.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

namespace simulated {

namespace {

constexpr std::int64_t minute = 60'000;
constexpr double day_ms = 86'400'000;

class Machine {
public:
  Machine(const Service& service, std::uint64_t seed)
      : service_{service}, random_{seed}, phase_{uniform_(random_)}, lasting_{normal_(random_)},
        step_ms_{static_cast<std::int64_t>(minute / service.requests_a_minute)},
        keeps_{std::pow(service.noise_a_minute,
                        static_cast<double>(step_ms_) / static_cast<double>(minute))} {}

  std::vector<judge::Reading> run(std::int64_t from, std::int64_t to, const Change& change,
                                  bool is_cold) {
    std::vector<judge::Reading> readings;
    for (std::int64_t at = from; at < to; at += step_ms_) {
      lasting_ = keeps_ * lasting_ + std::sqrt(1 - keeps_ * keeps_) * normal_(random_);
      const double day = static_cast<double>(at) / day_ms + phase_;
      const double since = static_cast<double>(at - from) / (service_.cold_minutes * minute);
      const double cold = is_cold ? 1 + (service_.cold_factor - 1) * std::exp(-since) : 1;
      const double latency =
          service_.latency_ms * change.latency_factor * cold *
          (1 + service_.daily_cycle * std::sin(2 * std::numbers::pi * day)) *
          std::exp(service_.noise * lasting_ + service_.jitter * normal_(random_));
      const double rate = change.error_rate < 0 ? service_.error_rate : change.error_rate;
      const double hiccups = service_.hiccups_a_day * static_cast<double>(step_ms_) / day_ms;
      if (uniform_(random_) < hiccups)
        down_until_ = at + static_cast<std::int64_t>(service_.hiccup_seconds * 1000);
      const bool has_failed = uniform_(random_) < rate || at < down_until_;
      readings.push_back({at,
                          "request-" + std::to_string(next_++ % service_.requests),
                          has_failed ? judge::Answer::failed : judge::Answer::ok,
                          latency,
                          {}});
    }
    return readings;
  }

private:
  const Service& service_;
  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
  std::uniform_real_distribution<double> uniform_;
  double phase_;
  double lasting_;
  std::int64_t step_ms_;
  double keeps_;
  std::int64_t down_until_ = INT64_MIN;
  int next_ = 0;
};

} // namespace

judge::Case upgrade(const Service& service, const Change& change, const judge::Policy& policy,
                    std::int64_t history_ms, std::uint64_t seed) {
  Machine machine{service, seed};
  const auto history = machine.run(-history_ms, 0, {}, false);
  judge::Case readings;
  std::ranges::copy_if(history, std::back_inserter(readings.before),
                       [&](const auto& reading) { return reading.at_ms >= -policy.baseline_ms; });
  readings.watch_begun_ms = minute;
  readings.after = machine.run(minute, minute + policy.watch_ms, change, true);
  readings.placebos = judge::make_placebos({history}, policy);
  return readings;
}

judge::Judgement watch(const judge::Case& readings, const judge::Policy& policy) {
  judge::Case seen = readings;
  seen.after.clear();
  int look = 1;
  for (const judge::Reading& reading : readings.after) {
    while (reading.at_ms - readings.watch_begun_ms >= judge::look_at_ms(policy, look))
      if (auto found = judge::judge_at(readings, policy, look++);
          found.verdict == judge::Verdict::worse)
        return found;
    seen.after.push_back(reading);
    if (reading.answer == judge::Answer::failed)
      if (auto found = judge::judge_invariants(seen); found.verdict == judge::Verdict::worse)
        return found;
  }
  return judge::judge_at(readings, policy, judge::looks);
}

} // namespace simulated
