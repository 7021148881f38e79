#pragma once
// Options: the part of the table for the judge.

#include "config/options.hpp"

#include <array>

namespace config {

inline constexpr std::array judge_options{
    Option{.key = "probes",
           .type = Type::names,
           .by_default = "[]",
           .doc = "The requests: `<service>.ready`, or names of checks and smoke tests that may be "
                  "repeated. None: nothing is judged."},
    Option{.key = "numbers",
           .type = Type::names,
           .by_default = "[]",
           .doc = "Those of them whose number (`value`) must not grow."},
    Option{.key = "every",
           .type = Type::duration,
           .by_default = "3s",
           .doc = "Pause between two rounds of requests, before and after.",
           .low = 10,
           .high = 3'600'000},
    Option{.key = "baseline",
           .type = Type::duration,
           .by_default = "30m",
           .doc = "For how long readings are taken before the change, at least; the services run. "
                  "What `belay judge --record` took just before counts.",
           .low = 1,
           .high = 86'400'000},
    Option{.key = "warm_up",
           .type = Type::duration,
           .by_default = "5m",
           .doc = "Latency and numbers of this time after the start are not looked at.",
           .high = 86'400'000},
    Option{.key = "ratio",
           .type = Type::number,
           .by_default = "1.5",
           .doc = "A smaller rise of latency or of a number is never called worse."},
    Option{.key = "history",
           .type = Type::duration,
           .by_default = "23h",
           .doc = "How much quiet history (`belay judge --record`) is wanted before a rise can be "
                  "told from the service's own noise; with less it is inconclusive.",
           .low = 1,
           .high = 604'800'000},
};

} // namespace config
