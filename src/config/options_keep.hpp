#pragma once
// Options of `keep`: a part of the one table (options.cpp).

#include "config/options.hpp"

#include <array>

namespace config {

inline constexpr std::array keep_options{
    Option{.key = "points",
           .type = Type::integer,
           .by_default = "2",
           .doc = "Restore points.",
           .low = 1,
           .high = 1000},
    Option{.key = "abandoned",
           .type = Type::integer,
           .by_default = "2",
           .doc = "States that a way back swapped out.",
           .low = 1,
           .high = 1000},
    Option{.key = "releases",
           .type = Type::integer,
           .by_default = "3",
           .doc = "Release folders of each service.",
           .low = 2,
           .high = 1000},
};

} // namespace config
