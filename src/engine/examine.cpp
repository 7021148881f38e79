#include "engine/examine.hpp"

#include "base/text.hpp"
#include "base/url.hpp"
#include "engine/judging.hpp"
#include "engine/migrating.hpp"
#include "engine/rehearsing.hpp"
#include "engine/trigger.hpp"

#include <algorithm>

namespace engine {

using base::Error;

namespace {

std::string with_hint(const Error& error) {
  return error.message + (error.hint.empty() ? "" : ". " + error.hint);
}

// TCP port of a probe on this machine, 0 for none.
int port_of(const domain::ProbeSpec& probe) {
  return probe.kind == domain::ProbeKind::tcp ? probe.port : base::port_of_url(probe.url);
}

// The copies of a store that is a mount point are kept in it: not where the records of them are.
void examine_kept_folder(Examination& result, world::World world, const Settings& settings,
                         const domain::StoreSpec& spec, const std::string& kept) {
  if (kept.empty()) // its driver keeps them where it likes
    return;
  const std::string& written = settings.stack.state_folder;
  const auto real = world.files.resolve(written);
  const std::string state = real ? real.value() : written;
  if (base::is_inside(kept, state) || base::is_inside(state, kept))
    result.blockers.push_back("store '" + spec.name + "' would be kept in '" + kept +
                              "', which belay's own records share. Set `state:` to a folder "
                              "outside the store");
}

void examine_store(Examination& result, world::World world, const Settings& settings,
                   Drivers drivers, const domain::StoreSpec& spec,
                   domain::PreflightRequest& request) {
  const auto state = drivers.of(spec.kind).inspect(spec);
  if (!state) {
    result.blockers.push_back("store '" + spec.name + "': " + with_hint(state.error()));
    return;
  }
  for (const std::string& problem : state.value().problems)
    result.blockers.push_back("store '" + spec.name + "': " + problem);
  examine_kept_folder(result, world, settings, spec, state.value().kept_folder);
  request.stores.push_back({spec.name, state.value()});
  result.stores.files += state.value().size.files;
  result.stores.bytes += state.value().size.bytes;
  result.disk_bytes += state.value().size.bytes;
  result.disk_free_bytes = result.disk_free_bytes == 0
                               ? state.value().free_bytes
                               : std::min(result.disk_free_bytes, state.value().free_bytes);
}

// Nobody but our service may be on its port: it would answer in its place.
void examine_port(Examination& result, world::World world, const domain::ServiceSpec& service,
                  bool is_running) {
  const int port = port_of(service.ready.probe);
  if (is_running || port == 0 || service.ready.probe.service.empty())
    return;
  const auto listeners = world.processes.listeners(port);
  if (listeners && !listeners.value().empty())
    result.blockers.push_back("port " + std::to_string(port) + " of service '" + service.name +
                              "' is already answered by pid " +
                              std::to_string(listeners.value().front().id.pid) +
                              ", which belay did not start. Stop that program first");
}

void examine_service(Examination& result, world::World world, Drivers drivers,
                     const domain::ServiceSpec& service, const domain::Release* recorded,
                     domain::PreflightRequest& request) {
  const auto observed = drivers.runtime.observe(service);
  if (!observed) {
    result.blockers.push_back("service '" + service.name + "': " + with_hint(observed.error()));
    return;
  }
  const domain::Observed& now = observed.value();
  result.is_running = result.is_running && now.is_running;
  domain::ServiceFact fact{service.name, now.process, std::nullopt};
  if (const auto bytes = drivers.runtime.memory_bytes(service); now.is_running && bytes)
    fact.memory_bytes = bytes.value();
  request.services.push_back(std::move(fact));
  examine_port(result, world, service, now.is_running);
  if (now.strays > 0)
    result.blockers.push_back("service '" + service.name + "': " + now.detail);
  if (recorded == nullptr)
    return;
  if (now.is_running && now.release_folder != recorded->folder)
    result.warnings.push_back("service '" + service.name + "' runs from '" + now.release_folder +
                              "', the last commit was '" + recorded->folder + "'");
  if (const auto whole = drivers.runtime.verify(service, *recorded); !whole)
    result.blockers.push_back("the release to come back to is not whole: service '" + service.name +
                              "': " + with_hint(whole.error()));
}

// A mistyped or dataless number is found out now, not after the change. One that needs a window
// of time is told by the baseline.
void examine_numbers(Examination& result, Drivers drivers, const domain::Stack& stack) {
  for (const domain::CheckSpec& check : stack.checks) {
    if (!wants_number(stack, check.probe.name))
      continue;
    const domain::Reading reading = drivers.probe.measure(check.probe);
    if (!reading.number && !reading.is_pending)
      result.blockers.push_back(
          "check '" + check.probe.name +
          "' is judged by its number, but has none now: " + base::printable(reading.detail));
  }
}

void examine_migrations(Examination& result, world::World world, const domain::Stack& stack,
                        Drivers drivers, const std::string& to) {
  MigrationOutlook outlook = outlook_of(world.files, stack, drivers, to);
  result.migrations = std::move(outlook.lines);
  result.migrations_basis = std::move(outlook.basis);
  result.blockers.insert(result.blockers.end(), outlook.problems.begin(), outlook.problems.end());
  if (!outlook.problems.empty())
    return;
  RehearsalOutlook rehearsal = rehearsal_outlook(stack, drivers, to);
  std::ranges::move(rehearsal.lines, std::back_inserter(result.migrations));
  std::ranges::move(rehearsal.problems, std::back_inserter(result.blockers));
}

// The time of the newest thing that is recorded; "" when nothing is.
std::string newest_record(const state::Folder& folder) {
  std::string newest;
  if (const auto ids = folder.operation_ids(); ids && !ids.value().empty())
    if (const auto plan = folder.plan_of(ids.value().back()))
      newest = plan.value().at;
  if (const auto number = folder.current_generation())
    if (const auto generation = folder.generation(number.value()); generation && generation.value())
      newest = std::max(newest, generation.value()->at); // RFC 3339 sorts as text
  if (const auto ids = folder.point_ids(); ids && !ids.value().empty())
    if (const auto point = folder.point(ids.value().back()))
      newest = std::max(newest, point.value().at);
  return newest;
}

void take_findings(Examination& result, std::vector<domain::Finding> findings) {
  for (const domain::Finding& finding : findings) {
    const std::string said = finding.check + ": " + finding.text;
    if (finding.level == domain::FindingLevel::blocker)
      result.blockers.push_back(said);
    else if (finding.level == domain::FindingLevel::warning)
      result.warnings.push_back(said);
  }
  std::ranges::move(findings, std::back_inserter(result.findings));
}

} // namespace

Examination examine(world::World world, const Settings& settings, Drivers drivers,
                    const state::Folder& folder, const std::string& to,
                    const std::vector<domain::GivenEvidence>& evidence) {
  Examination result;
  result.is_running = true;
  domain::PreflightRequest request{.to = to, .evidence = evidence};
  for (const domain::StoreSpec& spec : settings.stack.stores)
    examine_store(result, world, settings, drivers, spec, request);
  if (drivers.preflight != nullptr || !to.empty())
    examine_migrations(result, world, settings.stack, drivers, to);
  const auto number = folder.current_generation();
  const auto generation = folder.generation(number ? number.value() : 0);
  if (!number || !generation)
    result.blockers.push_back(with_hint(!number ? number.error() : generation.error()));
  const bool has_generation = number && generation && number.value() > 0 && generation.value();
  for (const domain::ServiceSpec& service : settings.stack.services) {
    const domain::Release* recorded = nullptr;
    if (has_generation)
      for (const domain::Release& release : generation.value()->releases)
        if (release.service == service.name)
          recorded = &release;
    examine_service(result, world, drivers, service, recorded, request);
    if (to.empty() && drivers.preflight == nullptr)
      continue;
    if (const auto can = to.empty() ? base::ok() : drivers.runtime.can_prepare(service, to); !can)
      result.blockers.push_back("service '" + service.name + "': " + with_hint(can.error()));
    else if (auto found = drivers.runtime.findings(service, to); found)
      take_findings(result, std::move(found).value());
  }
  if (has_generation && result.is_running && !to.empty())
    examine_numbers(result, drivers, settings.stack);
  if (has_generation && !result.is_running)
    result.blockers.push_back("a service does not run, so there is no baseline to compare with. "
                              "Start it with 'belay rollback " +
                              settings.stack.name + " --level restart' first");
  if (has_generation && result.is_running && !to.empty())
    for (std::string& problem : dataless(drivers.probe, settings.stack.upgrade.judge))
      result.blockers.push_back(std::move(problem));
  if (drivers.preflight == nullptr)
    return result;
  if (has_generation) {
    request.label_from = generation.value()->label;
    request.releases_from = generation.value()->releases;
  }
  request.newest_record = newest_record(folder);
  take_findings(result, drivers.preflight->look(request));
  return result;
}

} // namespace engine
