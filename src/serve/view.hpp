#pragma once
// View: what is known of the stacks that are served, as plain values; and what that means for who
// asks after their health. Pure.

#include "state/routines.hpp"
#include "world/clock.hpp"

#include <optional>
#include <string>
#include <vector>

namespace serve {

struct RoutineView {
  state::RoutineRecord record;
  std::string when; // "0 2 * * * Europe/Berlin", "every 12h"; empty: after another
  std::optional<world::TimePoint> next; // when it begins next
};

struct StackView {
  std::string stack;
  std::string config_path;
  std::string config_problem; // why belay.yaml cannot be used; what was read before still counts
  bool has_schedule = false;
  std::vector<RoutineView> routines;
  std::optional<state::LastBackup> last_backup;
  std::optional<state::LastDrill> last_drill;
  world::TimePoint since;                     // when it was first seen
  std::optional<world::Milliseconds> age_max; // of the newest restore point
  bool has_copy = false;                      // belay.yaml names a second place
  std::string operation;                      // in progress; empty: none
  bool is_abandoned_by_owner = false;         // and nobody is at work on it
};

enum class Health { ok, disabled, pending, degraded, stale, error };
std::string_view name_of(Health health);

struct Check {
  std::string name; // "backup", "verify", "drill", "copy", "operation", "config"
  Health health = Health::ok;
  std::string detail;
  std::optional<world::TimePoint> at; // of what it tells
};
// Always the same ones, in the same order.
std::vector<Check> checks_of(const StackView& view, world::TimePoint now);

// ok, degraded (something is not as it should be, the data is safe), error.
Health worst_of(const std::vector<Check>& checks);

} // namespace serve
