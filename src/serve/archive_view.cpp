#include "serve/archive_view.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace serve {

using state::RoutineOutcome;
using world::Milliseconds;
using world::TimePoint;

namespace {

std::string with_recovered(const ArchiveView& view, std::string text) {
  if (view.recovered)
    text += "; the state is that of " + view.recovered->archive;
  return text;
}

Check health_of(const ArchiveView& view) {
  Check check{.name = "backup"};
  if (view.last)
    check.at = view.last->at;
  else if (view.recovered)
    check.at = view.recovered->at;
  if (!view.problem.empty()) {
    check.health = Health::error;
    check.detail = view.problem;
  } else if (view.record.outcome == RoutineOutcome::failed) {
    check.health = Health::error;
    check.detail = view.record.detail;
  } else if (!view.last && !view.verify_problem.empty()) {
    check.health = Health::error;
    check.detail = view.verify_problem;
  } else if (!view.last) {
    const bool is_awaited =
        view.is_looking || view.record.is_running() || !view.record.last_success;
    check.health = is_awaited ? Health::pending : Health::error;
    check.detail = with_recovered(view, view.record.is_running() ? "runs for the first time"
                                        : view.is_looking ? "the archives that are there are read"
                                        : is_awaited      ? "has not run yet"
                                                          : "there is no archive any more in '" +
                                                           view.destination + "'");
  } else if (!view.last->prune_problem.empty()) {
    check.health = Health::error;
    check.detail = "older archives are not removed: " + view.last->prune_problem;
  }
  return check;
}

} // namespace

Check check_of(const ArchiveView& view, TimePoint now) {
  if (!view.is_enabled)
    return {.name = "backup", .health = Health::disabled, .detail = {}, .at = {}};
  Check check = health_of(view);
  if (!view.age_max || !view.problem.empty())
    return check;
  const TimePoint newest = view.last ? view.last->at : view.record.since;
  const auto age = std::chrono::duration_cast<Milliseconds>(now - newest);
  if (age <= *view.age_max)
    return check;
  check.health = Health::stale;
  check.detail = (view.last ? "the newest archive is " : "there has been no archive for ") +
                 base::format_duration(age) + (view.last ? " old" : "") + ", at most " +
                 base::format_duration(*view.age_max) + " is wanted" +
                 (check.detail.empty() ? "" : "; " + check.detail);
  return check;
}

} // namespace serve
