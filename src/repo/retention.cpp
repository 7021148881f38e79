#include "repo/retention.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <tuple>

namespace repo {

using base::Error;
using base::ErrorKind;
using base::Result;
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
  Within within;
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

bool names_no_while(const Within& within) {
  return within == Within{};
}

// So long before that moment; the 31st of a month that has none is the 1st of the next.
std::int64_t before(std::int64_t newest, const Within& within) {
  namespace c = std::chrono;
  const c::sys_seconds moment{c::seconds{newest}};
  const auto day = c::floor<c::days>(moment);
  const c::year_month_day date{day};
  const auto month =
      c::year_month{date.year(), date.month()} - c::years{within.years} - c::months{within.months};
  const auto then = c::sys_days{month / 1} + (date.day() - c::day{1}) - c::days{within.days};
  return (then + (moment - day) - within.rest).time_since_epoch().count();
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

// The same, of all that are newer.
void apply_within(const Rule& rule, std::vector<Decision>& group) {
  if (names_no_while(rule.within))
    return;
  const std::int64_t limit = before(group.back().snapshot.time.seconds, rule.within);
  std::optional<std::int64_t> period;
  for (auto at = group.rbegin(); at != group.rend(); ++at) {
    if (at->snapshot.time.seconds <= limit)
      break;
    const std::optional<std::int64_t> own =
        rule.period == nullptr ? std::nullopt : std::optional{rule.period(at->snapshot)};
    if (own && own == period)
      continue;
    period = own;
    keep(*at, rule.period == nullptr ? "within" : rule.reason);
  }
}

void decide_group(std::vector<Decision>& group, const Policy& policy) {
  const Rule rules[] = {{policy.last, policy.within, nullptr, "last snapshot"},
                        {policy.hourly, policy.within_hourly, hour_of, "hourly snapshot"},
                        {policy.daily, policy.within_daily, day_number_of, "daily snapshot"},
                        {policy.weekly, policy.within_weekly, week_of, "weekly snapshot"},
                        {policy.monthly, policy.within_monthly, month_of, "monthly snapshot"},
                        {policy.yearly, policy.within_yearly, year_of, "yearly snapshot"}};
  for (const Rule& rule : rules)
    apply(rule, group);
  for (const Rule& rule : rules)
    apply_within(rule, group);
  for (Decision& each : group)
    if (has_any(each.snapshot, policy.tags))
      keep(each, "has a tag that is kept");
}

bool has_all(const std::vector<std::string>& wanted, const std::vector<std::string>& there) {
  return std::ranges::all_of(
      wanted, [&](const std::string& each) { return std::ranges::count(there, each) != 0; });
}

} // namespace

Result<Within> parse_within(std::string_view text) {
  const Error wrong{ErrorKind::invalid_input, "'" + std::string{text} + "' is no while",
                    "Write it as 36h, 30d or 1y5m7d2h: years, months, days, hours."};
  Within within;
  std::string_view units = "ymdh";
  for (std::string_view left = text; !left.empty();) {
    int count = 0;
    const auto read = std::from_chars(left.data(), left.data() + left.size(), count);
    const auto digits = static_cast<std::size_t>(read.ptr - left.data());
    const auto unit = digits < left.size() ? units.find(left[digits]) : std::string_view::npos;
    if (read.ec != std::errc{} || count < 0 || count > 10'000 || unit == std::string_view::npos)
      return wrong;
    switch (units[unit]) {
    case 'y': within.years = count; break;
    case 'm': within.months = count; break;
    case 'd': within.days = count; break;
    default: within.rest = std::chrono::hours{count};
    }
    units.remove_prefix(unit + 1);
    left.remove_prefix(digits + 1);
  }
  return names_no_while(within) ? Result<Within>{wrong} : within;
}

Result<Grouping> parse_grouping(std::string_view text) {
  Grouping grouping{.by_host = false, .by_paths = false, .by_tags = false};
  if (text.empty())
    return grouping;
  for (const std::string& word : base::split(text, ',')) {
    if (word != "host" && word != "hosts" && word != "paths" && word != "path" && word != "tags" &&
        word != "tag")
      return Error{ErrorKind::invalid_input, "snapshots cannot be grouped by '" + word + "'",
                   "Write host, paths and tags, with ',' between; '' for one group."};
    grouping.by_host = grouping.by_host || word.starts_with("host");
    grouping.by_paths = grouping.by_paths || word.starts_with("path");
    grouping.by_tags = grouping.by_tags || word.starts_with("tag");
  }
  return grouping;
}

bool matches(const Filter& filter, const Snapshot& snapshot) {
  const bool is_of_host =
      filter.hosts.empty() || std::ranges::count(filter.hosts, snapshot.host) != 0;
  const bool has_tags =
      filter.tags.empty() || std::ranges::any_of(filter.tags, [&](const std::string& list) {
        return list.empty() ? snapshot.tags.empty()
                            : has_all(base::split(list, ','), snapshot.tags);
      });
  return is_of_host && has_tags && has_all(filter.paths, snapshot.paths);
}

bool Policy::is_empty() const {
  return last == 0 && hourly == 0 && daily == 0 && weekly == 0 && monthly == 0 && yearly == 0 &&
         tags.empty() &&
         std::ranges::all_of(std::array{within, within_hourly, within_daily, within_weekly,
                                        within_monthly, within_yearly},
                             names_no_while);
}

std::vector<std::vector<Decision>> decide(const std::vector<Snapshot>& snapshots,
                                          const Policy& policy, const Grouping& grouping) {
  using Words = std::vector<std::string>;
  std::map<std::tuple<std::string, Words, Words>, std::vector<Decision>> groups;
  for (const Snapshot& snapshot : snapshots) {
    auto paths = grouping.by_paths ? snapshot.paths : Words{};
    auto tags = grouping.by_tags ? snapshot.tags : Words{};
    std::ranges::sort(paths);
    std::ranges::sort(tags);
    groups[{grouping.by_host ? snapshot.host : "", std::move(paths), std::move(tags)}].push_back(
        {snapshot, false, {}});
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
