#pragma once
// Retention: which snapshots a policy keeps. Pure. The rules and their words are restic's.

#include "repo/format/records.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace repo {

struct Policy { // in UTC
  std::uint64_t last = 0;
  std::uint64_t hourly = 0;
  std::uint64_t daily = 0;
  std::uint64_t weekly = 0; // ISO 8601
  std::uint64_t monthly = 0;
  std::uint64_t yearly = 0;
  std::chrono::seconds within{0}; // before the newest of the group
  std::vector<std::string> tags;  // one with any of these is always kept
  bool is_empty() const;
};

struct Decision {
  format::Snapshot snapshot;
  bool is_kept = false;
  std::vector<std::string> reasons; // why it is kept: "last snapshot", "daily snapshot", ...
};

// Snapshots of one host and one set of paths are a group; each group is decided by itself. Oldest
// first within a group. A policy that counts anything keeps the newest of
// each group.
std::vector<std::vector<Decision>> decide(const std::vector<format::Snapshot>& snapshots,
                                          const Policy& policy);

} // namespace repo
