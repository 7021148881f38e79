#pragma once
// Cron: five fields that say when something is due, and the next such moment in a time zone. Pure
// but for the system's time zone files. Source of the fields: crontab(5) of Debian's cron.

#include "base/result.hpp"
#include "world/clock.hpp"

#include <bitset>
#include <optional>
#include <string>
#include <string_view>

namespace schedule {

struct Field {
  std::bitset<60> values;
  bool is_star = false; // it begins with '*', also "*/5"
  bool operator==(const Field&) const = default;
};

struct Cron {
  Field minute, hour;
  Field day;     // of the month, 1..31
  Field month;   // 1..12
  Field weekday; // 0 is Sunday
  bool operator==(const Cron&) const = default;
};

// "0 2 * * 1-5", names as JAN and MON, 7 as Sunday, and "@daily" and its like; never "@reboot".
// invalid_input names the field.
base::Result<Cron> parse_cron(std::string_view text);

// "UTC", "Europe/Berlin": a zone of the system's tz database. invalid_input when there is none.
base::Result<> check_zone(const std::string& zone);

// The first moment after `after`; nothing when there is none ("0 0 30 2 *"). Where both days are
// restricted, either of them is enough. When clocks change, as cron does it: what is due at fixed
// hours and falls into the hour that is left out runs when that hour would have begun, and in the
// hour that comes twice it runs once; what is due in every hour (its hours begin with '*') follows
// real time. CHECKs the zone.
std::optional<world::TimePoint> next_time(const Cron& cron, const std::string& zone,
                                          world::TimePoint after);
// The last moment after `after` that is not after `now`; of the last eight years. CHECKs the zone.
std::optional<world::TimePoint> last_time(const Cron& cron, const std::string& zone,
                                          world::TimePoint after, world::TimePoint now);

} // namespace schedule
