#include "repo/retention.hpp"

#include <algorithm>
#include <map>
#include <optional>

namespace repo {

using format::Snapshot;

namespace {

using Days = std::chrono::sys_days;

Days day_of(const Snapshot& snapshot) {
  return std::chrono::floor<std::chrono::days>(
      std::chrono::sys_seconds{std::chrono::seconds{snapshot.time.seconds}});
}
std::int64_t hour_of(const Snapshot& snapshot) {
  return std::chrono::floor<std::chrono::hours>(std::chrono::seconds{snapshot.time.seconds})
      .count();
}
std::int64_t day_number_of(const Snapshot& snapshot) {
  return day_of(snapshot).time_since_epoch().count();
}
std::int64_t week_of(const Snapshot& snapshot) { // Monday begins it; 1970-01-05 was one
  const std::int64_t days = day_of(snapshot).time_since_epoch().count() - 4;
  return days >= 0 ? days / 7 : (days - 6) / 7;
}
std::int64_t month_of(const Snapshot& snapshot) {
  const std::chrono::year_month_day date{day_of(snapshot)};
  return std::int64_t{static_cast<int>(date.year())} * 12 + static_cast<unsigned>(date.month());
}
std::int64_t year_of(const Snapshot& snapshot) {
  return static_cast<int>(std::chrono::year_month_day{day_of(snapshot)}.year());
}

struct Rule {
  std::uint64_t count;
  std::int64_t (*period)(const Snapshot&); // nothing: every snapshot is one of its own
  const char* reason;
};

bool has_any(const Snapshot& snapshot, const std::vector<std::string>& tags) {
  return std::ranges::any_of(
      tags, [&](const std::string& tag) { return std::ranges::count(snapshot.tags, tag) != 0; });
}

void keep(Decision& decision, const char* reason) {
  decision.is_kept = true;
  decision.reasons.emplace_back(reason);
}

// Newest first, the newest of each period is kept, until so many are.
void apply(const Rule& rule, std::vector<Decision>& group) {
  std::uint64_t left = rule.count;
  std::optional<std::int64_t> period;
  for (auto at = group.rbegin(); at != group.rend() && left > 0; ++at) {
    const std::optional<std::int64_t> own =
        rule.period == nullptr ? std::nullopt : std::optional{rule.period(at->snapshot)};
    if (own && own == period)
      continue;
    period = own;
    keep(*at, rule.reason);
    --left;
  }
}

void decide_group(std::vector<Decision>& group, const Policy& policy) {
  const Rule rules[] = {
      {policy.last, nullptr, "last snapshot"},         {policy.hourly, hour_of, "hourly snapshot"},
      {policy.daily, day_number_of, "daily snapshot"}, {policy.weekly, week_of, "weekly snapshot"},
      {policy.monthly, month_of, "monthly snapshot"},  {policy.yearly, year_of, "yearly snapshot"}};
  for (const Rule& rule : rules)
    apply(rule, group);
  const std::int64_t newest = group.back().snapshot.time.seconds;
  for (Decision& each : group) {
    if (policy.within.count() > 0 && each.snapshot.time.seconds > newest - policy.within.count())
      keep(each, "within");
    if (has_any(each.snapshot, policy.tags))
      keep(each, "has a tag that is kept");
  }
}

} // namespace

bool Policy::is_empty() const {
  return last == 0 && hourly == 0 && daily == 0 && weekly == 0 && monthly == 0 && yearly == 0 &&
         within.count() == 0 && tags.empty();
}

std::vector<std::vector<Decision>> decide(const std::vector<Snapshot>& snapshots,
                                          const Policy& policy) {
  std::map<std::pair<std::string, std::vector<std::string>>, std::vector<Decision>> groups;
  for (const Snapshot& snapshot : snapshots) {
    auto paths = snapshot.paths;
    std::ranges::sort(paths);
    groups[{snapshot.host, std::move(paths)}].push_back({snapshot, false, {}});
  }
  std::vector<std::vector<Decision>> decided;
  for (auto& [key, group] : groups) {
    std::ranges::stable_sort(
        group, {}, [](const Decision& each) -> const format::Time& { return each.snapshot.time; });
    decide_group(group, policy);
    decided.push_back(std::move(group));
  }
  return decided;
}

} // namespace repo
