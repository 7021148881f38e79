#pragma once
// Simulated services for the judge: noise that lasts, daily cycles, cold caches, rare errors.

#include "judge/judge.hpp"

#include <cstdint>
#include <vector>

namespace simulated {

struct Service {
  double latency_ms = 80;
  double jitter = 0.3;        // of one answer: standard deviation of the logarithm
  double noise = 0.15;        // the same, of noise that lasts
  double noise_a_minute = 0;  // its autocorrelation after one minute (AR(1))
  double daily_cycle = 0;     // 0.3: between 0.7 and 1.3 of the latency within a day
  double cold_factor = 1;     // after a start so many times slower,
  double cold_minutes = 4;    // decaying: e-fold in so long
  double error_rate = 0.001;  // of single answers
  double hiccups_a_day = 0;   // outages
  double hiccup_seconds = 20; // of this length
  double requests_a_minute = 20;
  int requests = 1; // asked in turn
};

struct Change {
  double latency_factor = 1;
  double error_rate = -1; // negative: as before
};

// One upgrade: history that ends with the baseline, a minute of downtime, the watch. The placebos
// are made of the history, as belay does it. The same seed, the same readings.
judge::Case upgrade(const Service& service, const Change& change, const judge::Policy& policy,
                    std::int64_t history_ms, std::uint64_t seed);

// Whether it is called worse, at any look or by an invariant after any reading; as belay asks.
judge::Judgement watch(const judge::Case& readings, const judge::Policy& policy);

} // namespace simulated
