#pragma once
// Time: moments with nanoseconds, as Go writes them in JSON (RFC 3339, no zeros at the end).

#include "base/result.hpp"

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace repo::format {

struct Time { // since 1970 in UTC
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0; // onwards, also before 1970
  auto operator<=>(const Time&) const = default;
  static Time of(std::chrono::system_clock::time_point point);
  std::chrono::system_clock::time_point point() const;
};

// In UTC. Years before 0 and after 9999 become 0 and 9999, as restic does it.
std::string format_time(const Time& time);
base::Result<Time> parse_time(std::string_view text); // any offset; corrupt

} // namespace repo::format
