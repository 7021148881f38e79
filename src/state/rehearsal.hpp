#pragma once
// Rehearsal: what the newest rehearsal of a stack saw, for the plans to come. Format:
// docs/formats/rehearsal.md.

#include "base/result.hpp"
#include "world/files.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace state {

struct RehearsedStore {
  std::string store;
  std::uint64_t bytes = 0; // that were copied
  std::int64_t copied_ms = 0;
  std::int64_t ran_ms = 0; // all files together
  std::uint64_t files = 0;
  std::string layout; // as it was left
  bool operator==(const RehearsedStore&) const = default;
};

struct RehearsalRecord {
  std::string at; // RFC 3339
  std::string to;
  std::string point; // id that named the copies; an upgrade's own, when it was its step
  std::string basis; // SHA-256 of the pending files: it tells of these alone
  bool has_passed = false;
  std::vector<RehearsedStore> stores;
  bool operator==(const RehearsalRecord&) const = default;
};

std::string to_json(const RehearsalRecord& record);
base::Result<RehearsalRecord> rehearsal_from_json(std::string_view text); // corrupt, too_new

// nullopt: none yet.
base::Result<std::optional<RehearsalRecord>> read_rehearsal(world::Files& files,
                                                            const std::string& state_folder);
base::Result<> write_rehearsal(world::Files& files, const std::string& state_folder,
                               const RehearsalRecord& record);

} // namespace state
