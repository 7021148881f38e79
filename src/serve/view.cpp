#include "serve/view.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace serve {

using state::RoutineOutcome;
using world::TimePoint;

namespace {

constexpr std::array words{"ok", "disabled", "pending", "degraded", "stale", "error"};

const RoutineView* find(const StackView& view, std::string_view name) {
  const auto found = std::ranges::find_if(
      view.routines, [&](const RoutineView& routine) { return routine.record.name == name; });
  return found == view.routines.end() ? nullptr : &*found;
}

world::Milliseconds since(TimePoint then, TimePoint now) {
  return std::chrono::duration_cast<world::Milliseconds>(now - then);
}

std::string age_text(TimePoint then, TimePoint now) {
  return base::format_duration(std::max(since(then, now), world::Milliseconds{0}));
}

// How the last run of a routine ended. `what` it is for: "backup".
Check check_of(const StackView& view, const char* name) {
  Check check{.name = name};
  const RoutineView* routine = find(view, name);
  if (routine == nullptr) {
    check.health = Health::disabled;
    return check;
  }
  const state::RoutineRecord& record = routine->record;
  check.at = record.last_success;
  if (record.outcome == RoutineOutcome::failed) {
    check.health = Health::error;
    check.detail = record.detail;
  } else if (!record.last_success) {
    check.health = Health::pending;
    check.detail = record.is_running() ? "runs for the first time" : "has not run yet";
  }
  return check;
}

// Also when the scheduler never ran: the age of what there is counts, whoever made it.
Check backup_of(const StackView& view, TimePoint now) {
  Check check = check_of(view, "backup");
  if (check.health == Health::disabled || !view.age_max)
    return check;
  const TimePoint newest = view.last_backup ? view.last_backup->at : view.since;
  if (view.last_backup)
    check.at = newest;
  if (since(newest, now) <= *view.age_max)
    return check;
  const std::string limit = base::format_duration(*view.age_max);
  const std::string what = view.last_backup
                               ? "the newest restore point is " + age_text(newest, now) + " old"
                               : "no restore point for " + age_text(newest, now);
  check.health = Health::stale;
  check.detail = what + ", at most " + limit + " is wanted" +
                 (check.detail.empty() ? "" : "; " + check.detail);
  return check;
}

Check copy_of(const StackView& view) {
  Check check{.name = "copy"};
  if (!view.has_copy) {
    check.health = Health::disabled;
  } else if (!view.last_backup) {
    check.health = Health::pending;
  } else if (!view.last_backup->has_copy) {
    check.health = Health::error;
    check.detail = "the second place does not have restore point " + view.last_backup->point;
  } else {
    check.at = view.last_backup->at;
  }
  return check;
}

Check operation_of(const StackView& view) {
  Check check{.name = "operation"};
  if (view.operation.empty())
    return check;
  check.health = view.is_abandoned_by_owner ? Health::error : Health::degraded;
  check.detail =
      view.operation + (view.is_abandoned_by_owner
                            ? " is in progress, and nobody is at work on it: 'belay status'"
                            : " is in progress");
  return check;
}

Check config_of(const StackView& view) {
  Check check{.name = "config"};
  if (!view.config_problem.empty()) {
    check.health = Health::error;
    check.detail = view.config_problem;
  }
  return check;
}

} // namespace

std::string_view name_of(Health health) {
  return words.at(static_cast<std::size_t>(health));
}

std::vector<Check> checks_of(const StackView& view, TimePoint now) {
  return {backup_of(view, now),    check_of(view, "verify"),
          check_of(view, "drill"), check_of(view, "retention"),
          copy_of(view),           operation_of(view),
          config_of(view)};
}

Health worst_of(const std::vector<Check>& checks) {
  Health worst = Health::ok;
  for (const Check& check : checks) {
    if (check.health == Health::error || check.health == Health::stale)
      return Health::error;
    if (check.health == Health::degraded)
      worst = Health::degraded;
  }
  return worst;
}

} // namespace serve
