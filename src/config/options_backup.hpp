#pragma once
// Options of `backup`: a part of the one table (options.cpp).

#include "config/options.hpp"

#include <array>

namespace config {

inline constexpr std::int64_t year = 366LL * 86'400'000;

inline constexpr Option timing_schedule{
    .key = "schedule",
    .type = Type::text,
    .doc = "When, as five fields of cron: `0 2 * * *` is every night at two. Or `@daily`, "
           "`@hourly`, `@weekly`, `@monthly`.",
    .is_alternative = true};
inline constexpr Option timing_every{.key = "every",
                                     .type = Type::duration,
                                     .doc = "How often, from one planned moment to the next; the "
                                            "first at once.",
                                     .low = 60'000,
                                     .high = year,
                                     .is_alternative = true};
inline constexpr Option timing_zone{.key = "zone",
                                    .type = Type::text,
                                    .by_default = "UTC",
                                    .doc = "The time zone of `schedule`, as `Europe/Berlin`.",
                                    .only_with = "schedule"};
inline constexpr Option timing_jitter{
    .key = "jitter",
    .type = Type::duration,
    .by_default = "0s",
    .doc = "Begin up to so much later, each stack by its own share: many machines with one "
           "repository do not come at once.",
    .high = 86'400'000};

inline constexpr std::array timing_options{timing_schedule, timing_every, timing_zone,
                                           timing_jitter};

inline constexpr std::array backup_keep_options{
    Option{.key = "last", .type = Type::integer, .by_default = "0", .doc = "The newest so many."},
    Option{.key = "hourly",
           .type = Type::integer,
           .by_default = "0",
           .doc = "The last of each of so many hours that have one."},
    Option{.key = "daily", .type = Type::integer, .by_default = "0", .doc = "As well of days."},
    Option{.key = "weekly",
           .type = Type::integer,
           .by_default = "0",
           .doc = "As well of weeks; they begin on Monday."},
    Option{.key = "monthly", .type = Type::integer, .by_default = "0", .doc = "As well of months."},
    Option{.key = "yearly", .type = Type::integer, .by_default = "0", .doc = "As well of years."},
    Option{.key = "within",
           .type = Type::duration,
           .by_default = "0s",
           .doc = "All that are not older than the newest by more than this.",
           .high = 100 * year},
};

inline constexpr std::array backup_options{
    timing_schedule,
    timing_every,
    timing_zone,
    timing_jitter,
    Option{.key = "verify",
           .type = Type::section,
           .doc = "When the newest restore point is read as a whole, and compared.",
           .shape = "timing"},
    Option{.key = "drill",
           .type = Type::section,
           .doc = "When the newest restore point is brought back beside the data, as a drill.",
           .shape = "timing"},
    Option{.key = "keep",
           .type = Type::section,
           .doc = "Which restore points stay in the repository after a scheduled backup, or with "
                  "`belay forget --stack`. Nothing given: all.",
           .shape = "backup_keep"},
    Option{.key = "max_age",
           .type = Type::duration,
           .doc = "An alarm when the newest restore point is older. Twice the time between two "
                  "scheduled backups when it is not given.",
           .low = 60'000,
           .high = year},
};

} // namespace config
