#pragma once
// Retention: which snapshots a policy keeps. Pure. The rules and their words are restic's.

#include "base/result.hpp"
#include "repo/format/records.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace repo {

// A while by the calendar, as restic writes it: "1y5m7d2h", where m is months.
struct Within {
  int years = 0;
  int months = 0;
  int days = 0;
  std::chrono::seconds rest{0};
  bool operator==(const Within&) const = default;
};
base::Result<Within> parse_within(std::string_view text); // invalid_input

struct Policy { // in UTC
  std::uint64_t last = 0;
  std::uint64_t hourly = 0;
  std::uint64_t daily = 0;
  std::uint64_t weekly = 0; // ISO 8601
  std::uint64_t monthly = 0;
  std::uint64_t yearly = 0;
  Within within; // before the newest of the group: every one, or the newest of each period
  Within within_hourly;
  Within within_daily;
  Within within_weekly;
  Within within_monthly;
  Within within_yearly;
  std::vector<std::string> tags; // one with any of these is always kept
  bool is_empty() const;
};

struct Decision {
  format::Snapshot snapshot;
  bool is_kept = false;
  std::vector<std::string> reasons; // why it is kept: "last snapshot", "daily snapshot", ...
};

// What snapshots have in common that are decided together.
struct Grouping {
  bool by_host = true;
  bool by_paths = true;
  bool by_tags = false;
};
base::Result<Grouping> parse_grouping(std::string_view text); // "host,paths,tags"; "": one group

// Each group is decided by itself. Oldest first within a group. A policy that counts anything keeps
// the newest of each group.
std::vector<std::vector<Decision>> decide(const std::vector<format::Snapshot>& snapshots,
                                          const Policy& policy, const Grouping& grouping = {});

// Which snapshots are meant at all; empty: any.
struct Filter {
  std::vector<std::string> hosts; // of any of these
  std::vector<std::string> paths; // that have all of these
  std::vector<std::string> tags;  // that have all of "a,b", for any of these; "": that have none
  bool is_empty() const { return hosts.empty() && paths.empty() && tags.empty(); }
};
bool matches(const Filter& filter, const format::Snapshot& snapshot);

} // namespace repo
