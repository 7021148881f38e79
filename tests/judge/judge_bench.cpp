// How often the judge is wrong, on simulated services: false alarms where nothing changed, and
// what it detects. --quick: few seeded runs of each, fails when a promise is broken.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "simulated.hpp"

namespace {

constexpr std::int64_t hour = 3'600'000;

struct Cell {
  std::string name;
  simulated::Service service;
  simulated::Change change;
  bool is_worse = false; // the truth
};

struct Options {
  int runs = 1000;
  std::int64_t history_ms = 24 * hour;
  judge::Policy policy;
  std::uint64_t seed = 1;
  bool is_quick = false;
  std::string only;
};

struct Count {
  int worse = 0;
  int inconclusive = 0;
};

std::vector<simulated::Service> services() {
  std::vector<simulated::Service> all;
  for (const double noise_a_minute : {0.0, 0.8, 0.95})
    for (const double cycle : {0.0, 0.3})
      for (const double cold : {1.0, 3.0})
        all.push_back(
            {.noise_a_minute = noise_a_minute, .daily_cycle = cycle, .cold_factor = cold});
  return all;
}

std::string name_of(const simulated::Service& service) {
  char text[100];
  std::snprintf(text, sizeof text, "noise %.2f, cycle %2.0f %%, cold %.0fx", service.noise_a_minute,
                100 * service.daily_cycle, service.cold_factor);
  return text;
}

std::vector<Cell> cells() {
  std::vector<Cell> all;
  for (const auto& service : services()) {
    all.push_back({"unchanged;  " + name_of(service), service, {}});
    all.push_back({"latency 2x; " + name_of(service), service, {.latency_factor = 2}, true});
  }
  simulated::Service worst = services().back();
  all.push_back({"errors 0.1 % -> 5 %", worst, {.error_rate = 0.05}, true});
  all.push_back({"errors 0.1 % -> 2 %", worst, {.error_rate = 0.02}, true});
  worst.error_rate = 0.01;
  all.push_back({"unchanged;  errors 1 %", worst, {}});
  worst.error_rate = 0.001;
  worst.hiccups_a_day = 24;
  all.push_back({"unchanged;  an outage of 20 s each hour", worst, {}});
  worst.hiccups_a_day = 0;
  worst.requests = 4;
  all.push_back({"unchanged;  4 requests in turn", worst, {}});
  worst.cold_factor = 1;
  all.push_back({"unchanged;  4 requests in turn, never cold", worst, {}});
  worst.cold_factor = 3;
  all.push_back({"latency 2x; 4 requests in turn", worst, {.latency_factor = 2}, true});
  all.push_back({"errors 0.1 % -> 5 %; 4 requests in turn", worst, {.error_rate = 0.05}, true});
  return all;
}

Count play(const Cell& cell, const Options& options) {
  Count count;
  for (int run = 0; run < options.runs; ++run) {
    const auto seed = options.seed * 1'000'003 + static_cast<std::uint64_t>(run);
    const auto readings =
        simulated::upgrade(cell.service, cell.change, options.policy, options.history_ms, seed);
    const auto found = simulated::watch(readings, options.policy);
    count.worse += found.verdict == judge::Verdict::worse ? 1 : 0;
    count.inconclusive += found.verdict == judge::Verdict::inconclusive ? 1 : 0;
  }
  return count;
}

Options options_of(int argc, char** argv) {
  Options options;
  options.policy.history_min_ms = options.history_ms - hour;
  const auto value = [&](int& at) { return std::atof(at + 1 < argc ? argv[++at] : "0"); };
  for (int at = 1; at < argc; ++at) {
    const std::string_view word = argv[at];
    if (word == "--quick") {
      options.is_quick = true;
      options.runs = 10;
      options.history_ms = 8 * hour; // enough to catch what is broken
      options.policy.history_min_ms = 7 * hour;
    } else if (word == "--runs") {
      options.runs = static_cast<int>(value(at));
    } else if (word == "--history-hours") {
      options.history_ms = static_cast<std::int64_t>(value(at) * hour);
      options.policy.history_min_ms = options.history_ms - hour;
    } else if (word == "--ratio") {
      options.policy.ratio_min = value(at);
    } else if (word == "--warm-up-minutes") {
      options.policy.warm_up_ms = static_cast<std::int64_t>(value(at) * 60'000);
    } else if (word == "--baseline-minutes") {
      options.policy.baseline_ms = static_cast<std::int64_t>(value(at) * 60'000);
    } else if (word == "--watch-minutes") {
      options.policy.watch_ms = static_cast<std::int64_t>(value(at) * 60'000);
    } else if (word == "--seed") {
      options.seed = static_cast<std::uint64_t>(value(at));
    } else if (word == "--only" && at + 1 < argc) {
      options.only = argv[++at];
    } else {
      std::fputs("judge_bench [--quick] [--runs N] [--history-hours H] [--seed N] [--ratio R]\n"
                 "  [--warm-up-minutes M] [--baseline-minutes M] [--watch-minutes M] "
                 "[--only WORD]\n",
                 stderr);
      std::exit(2);
    }
  }
  return options;
}

} // namespace

int main(int argc, char** argv) {
  const Options options = options_of(argc, argv);
  std::printf("%d runs each, %.0f h of history, watched for %.0f min at 20 requests a minute\n"
              "%-52s %8s %13s\n",
              options.runs, static_cast<double>(options.history_ms) / hour,
              static_cast<double>(options.policy.watch_ms) / 60'000, "", "worse", "inconclusive");
  int unchanged = 0;
  int alarms = 0;
  int broken = 0;
  for (const Cell& cell : cells()) {
    const bool is_spared =
        options.is_quick && (cell.name.contains("noise 0.80") || cell.name.contains("cycle  0 %"));
    if (!cell.name.contains(options.only) || is_spared)
      continue;
    const Count count = play(cell, options);
    std::printf("%-52s %6.1f %% %11.1f %%\n", cell.name.c_str(), 100.0 * count.worse / options.runs,
                100.0 * count.inconclusive / options.runs);
    std::fflush(stdout);
    unchanged += cell.is_worse ? 0 : options.runs;
    alarms += cell.is_worse ? 0 : count.worse;
    // Few runs cannot show 95 %: a quick one catches what is broken, not what is a little worse.
    const bool is_hard = cell.name.contains("2 %") || cell.name.contains("0.95");
    if (cell.is_worse && !is_hard && count.worse < options.runs * 8 / 10)
      ++broken;
  }
  if (unchanged > 0)
    std::printf("false alarms: %d of %d, %.2f %%\n", alarms, unchanged, 100.0 * alarms / unchanged);
  if (options.is_quick && (broken > 0 || alarms * 50 > unchanged))
    return std::fprintf(stderr, "judge_bench: the judge is worse than it was\n"), 1;
  return 0;
}
