// Build, the part for scheduled backups.
#include "config/build.hpp"
#include "schedule/cron.hpp"

namespace config {
namespace {

std::uint64_t count_of(const Value& section, std::string_view key) {
  return static_cast<std::uint64_t>(section.at(key).number);
}

domain::TimingSpec build_timing(const Building& building, const Value& section) {
  domain::TimingSpec timing;
  timing.jitter = section.at("jitter").duration;
  if (const Value* every = section.find("every")) {
    timing.every = every->duration;
    return timing;
  }
  timing.cron = section.at("schedule").text;
  timing.zone = section.at("zone").text;
  const auto cron = schedule::parse_cron(timing.cron);
  if (!cron)
    building.problems.add(section.at("schedule").mark, cron.error().message, cron.error().hint);
  const auto zone = schedule::check_zone(timing.zone);
  if (!zone)
    building.problems.add(section.at("zone").mark, zone.error().message, zone.error().hint);
  const auto always = world::TimePoint{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};
  if (cron && zone && !schedule::next_time(cron.value(), timing.zone, always))
    building.problems.add(section.at("schedule").mark, "'" + timing.cron + "' never comes",
                          "There is no such day in any month.");
  return timing;
}

} // namespace

domain::BackupPolicy build_backup(const Building& building, const Value& section) {
  domain::BackupPolicy policy;
  policy.timing = build_timing(building, section);
  if (const Value* verify = section.find("verify"))
    policy.verify = build_timing(building, *verify);
  if (const Value* drill = section.find("drill"))
    policy.drill = build_timing(building, *drill);
  if (const Value* age = section.find("max_age"))
    policy.age_max = age->duration;
  if (const Value* keep = section.find("keep"))
    policy.keep = {.last = count_of(*keep, "last"),
                   .hourly = count_of(*keep, "hourly"),
                   .daily = count_of(*keep, "daily"),
                   .weekly = count_of(*keep, "weekly"),
                   .monthly = count_of(*keep, "monthly"),
                   .yearly = count_of(*keep, "yearly"),
                   .within = keep->at("within").duration};
  if (!building.stack.repository)
    building.problems.add(section.mark, "'backup' without 'repository': there is no place for it",
                          "Add `repository: { path: ..., password: file:... }`.");
  return policy;
}

} // namespace config
