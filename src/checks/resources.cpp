// Memory, open files and the clock of the machine.
#include "base/text.hpp"
#include "checks/look.hpp"

#include <algorithm>

namespace checks {

namespace {

constexpr const char* memory = "memory";
constexpr const char* files = "open-files";
constexpr const char* clock_check = "clock";

const domain::ServiceSpec* service_named(const domain::Stack& stack, const std::string& name) {
  const auto found = std::ranges::find(stack.services, name, &domain::ServiceSpec::name);
  return found == stack.services.end() ? nullptr : &*found;
}

// What belay starts inherits belay's limit, not the one of the process that runs now.
void look_at_inherited_limit(const Look& look, const std::string& service,
                             const world::OpenFiles& now) {
  const auto own = look.resources.own_open_files();
  if (!own)
    return look.warn(files, "the limit of open files is not known: " + own.error().message);
  const std::string said = "service '" + service + "' has " + std::to_string(now.open) +
                           " files open, its limit is " + std::to_string(now.max) +
                           "; started by this belay it would be " + std::to_string(own.value().max);
  if (own.value().max < now.open + now.open / 4)
    look.block(files, said + ", too few for it. Raise it with 'ulimit -n' before calling belay");
  else if (own.value().max < now.max)
    look.warn(files, said + ". Raise it with 'ulimit -n " + std::to_string(now.max) +
                         "' before calling belay to keep what it has");
  else
    look.ok(files, said);
}

void look_at_service_files(const Look& look, const domain::ServiceFact& fact) {
  const domain::ServiceSpec* service = service_named(look.stack, fact.service);
  if (!fact.process || service == nullptr)
    return;
  const auto now = look.resources.open_files(*fact.process);
  if (!now)
    return look.warn(files, "the open files of service '" + fact.service +
                                "' are not known: " + now.error().message +
                                ". Run belay as root or as the user of the service");
  if (service->runtime == domain::RuntimeKind::process)
    return look_at_inherited_limit(look, fact.service, now.value());
  const std::string said = "service '" + fact.service + "' has " +
                           std::to_string(now.value().open) + " files open, its limit is " +
                           std::to_string(now.value().max);
  if (now.value().open > now.value().max - now.value().max / 5)
    look.warn(files, said + ": raise it where the service is started, before it runs into it");
  else
    look.ok(files, said);
}

void look_at_machine_files(const Look& look) {
  const auto all = look.resources.all_open_files();
  if (!all)
    return look.warn(files, "the open files of the machine are not known: " + all.error().message);
  const std::string said = "the machine has " + std::to_string(all.value().open) +
                           " files open, its limit is " + std::to_string(all.value().max);
  if (all.value().open > all.value().max - all.value().max / 10)
    look.block(files, said + ": raise the sysctl fs.file-max, or end what holds them");
  else
    look.ok(files, said);
}

void look_at_records(const Look& look, world::TimePoint now) {
  constexpr world::Milliseconds slack{120'000};
  const auto newest = base::parse_time(look.request.newest_record);
  if (look.request.newest_record.empty() || !newest || now + slack >= newest.value())
    return look.ok(clock_check, "it is " + base::format_time(now) +
                                    ", not before the newest record in the state folder");
  const auto behind = std::chrono::duration_cast<std::chrono::milliseconds>(newest.value() - now);
  look.block(clock_check, "it is " + base::format_time(now) + ", " + base::format_duration(behind) +
                              " before the newest record in the state folder (" +
                              look.request.newest_record +
                              "): set the clock right, or what is newest can no longer be told");
}

} // namespace

void look_at_memory(const Look& look) {
  const auto now = look.resources.memory();
  if (!now)
    return look.warn(memory, "the memory is not known: " + now.error().message);
  const std::uint64_t available = now.value().available_bytes;
  const std::string free = base::format_bytes(available) + " of " +
                           base::format_bytes(now.value().total_bytes) + " are available";
  std::uint64_t used = 0;
  for (const auto& service : look.request.services)
    used += service.memory_bytes.value_or(0);
  const std::string services =
      used == 0 ? "" : ", the services use " + base::format_bytes(used) + " now";
  const std::uint64_t wanted =
      std::max<std::uint64_t>(look.stack.preflight.memory_free_bytes, used / 4);
  const std::string said = free + services + ", " + base::format_bytes(wanted) + " are wanted";
  if (available < wanted)
    return look.block(memory, said +
                                  ": end what does not belong here, add memory, or lower "
                                  "`preflight.memory_free`; a release that grows would be killed");
  look.ok(memory, said);
}

void look_at_open_files(const Look& look) {
  for (const auto& fact : look.request.services)
    look_at_service_files(look, fact);
  look_at_machine_files(look);
}

void look_at_clock(const Look& look) {
  const auto now = look.world.clock.now();
  const auto days = std::chrono::floor<std::chrono::days>(now);
  const int year = static_cast<int>(std::chrono::year_month_day{days}.year());
  if (year < 2025 || year > 2100)
    return look.block(clock_check,
                      "the clock says the year " + std::to_string(year) +
                          ": set it right; certificates, licenses and the order of the restore "
                          "points depend on it");
  look_at_records(look, now);
  const auto kept = look.resources.is_clock_synchronised();
  if (!kept)
    return look.warn(clock_check, kept.error().message +
                                      ". Compare it by eye, or set `preflight.levels.clock: off`");
  if (!kept.value())
    return look.warn(clock_check, "nothing keeps the clock right (the kernel says: not "
                                  "synchronised). Start an NTP client, as systemd-timesyncd or "
                                  "chrony");
  look.ok(clock_check, "it is kept synchronised");
}

} // namespace checks
