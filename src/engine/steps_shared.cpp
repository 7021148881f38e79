#include "base/text.hpp"
#include "engine/gate.hpp"
#include "engine/steps.hpp"

#include <algorithm>

namespace engine {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::Verdict;

Result<> perform(Context& context, State state, Record& out) {
  return is_way_back(state) ? perform_back(context, state, out)
                            : perform_forward(context, state, out);
}

Result<> stop_all(Context& context, Record& out) {
  std::vector<std::string> stopped;
  const auto& services = context.settings.stack.services;
  // All of them first: nothing is to be woken while the others are being stopped.
  for (const auto& service : services)
    TRY_CONTEXT(context.drivers.runtime.hold(service), "service '" + service.name + "'");
  for (auto service = services.rbegin(); service != services.rend(); ++service) {
    TRY_CONTEXT(context.drivers.runtime.stop(*service), "service '" + service->name + "'");
    stopped.push_back(service->name);
  }
  out.text = "stopped " + base::join(stopped, ", ");
  return ok();
}

Result<> let_go_all(Context& context) {
  for (const auto& service : context.settings.stack.services)
    TRY_CONTEXT(context.drivers.runtime.let_go(service), "service '" + service.name + "'");
  return ok();
}

Result<> let_in_all(Context& context) {
  for (const domain::StoreSpec& spec : context.settings.stack.stores)
    TRY_CONTEXT(context.drivers.of(spec.kind).let_in(spec), "store '" + spec.name + "'");
  return ok();
}

// What runs must be what we mean: identity is the folder that the process was started from.
Result<> start_all(Context& context, const std::vector<domain::Release>& releases, Record& out) {
  std::vector<std::string> started;
  TRY(let_in_all(context));
  for (const auto& service : context.settings.stack.services) {
    const auto release = std::ranges::find(releases, service.name, &domain::Release::service);
    if (release == releases.end())
      continue;
    TRY_CONTEXT(context.drivers.runtime.start(service), "service '" + service.name + "'");
    started.push_back(service.name + " " + release->label);
  }
  out.text = started.empty() ? "nothing to start" : "started " + base::join(started, ", ");
  return ok();
}

namespace {

Result<> identity(Context& context, const domain::ServiceSpec& service,
                  const std::vector<domain::Release>& releases) {
  const auto release = std::ranges::find(releases, service.name, &domain::Release::service);
  if (release == releases.end())
    return ok();
  const domain::Observed observed = TRY(context.drivers.runtime.observe(service));
  if (observed.is_running && observed.release_folder != release->folder)
    return Error{ErrorKind::failed,
                 "service '" + service.name + "' runs from '" + observed.release_folder +
                     "', not from '" + release->folder + "'",
                 ""};
  return ok();
}

} // namespace

Result<> ready_all(Context& context, Record& out) {
  const bool is_back = is_way_back(context.state);
  const std::vector<domain::Release> releases =
      is_back ? TRY(context.target()).releases : context.releases_to;
  if (releases.empty()) {
    out.text = "no release was committed before, so no gate is asked";
    return ok();
  }
  for (const auto& service : context.settings.stack.services) {
    KeptReading last;
    auto passed =
        pass_gate(context.world, context.drivers.probe, context.drivers.runtime, service, last);
    if (!last.probe.empty())
      out.gates.push_back(last);
    TRY(std::move(passed));
    TRY(identity(context, service, releases));
    out.detail.push_back(last.probe + ": " + last.detail);
  }
  out.text = base::plural(out.gates.size(), "gate passed", "gates passed");
  return ok();
}

namespace {

// A test that failed on the old release already cannot judge its return.
bool was_bad_before(const Context& context, const std::string& probe, Record& out) {
  const KeptReading* before = find_reading(context.baseline, probe);
  if (before == nullptr || before->verdict == "ok")
    return false;
  out.detail.push_back(probe + ": not asked, it was not good before the upgrade either");
  return true;
}

bool was_out_of_bounds(const Context& context, const domain::CheckSpec& check, Record& out) {
  const std::string& name = check.probe.name;
  const KeptReading* before = find_reading(context.baseline, name);
  if (before == nullptr || !before->number)
    return false;
  if (!(check.min && *before->number < *check.min) && !(check.max && *before->number > *check.max))
    return false;
  out.detail.push_back(name + ": not asked, it was out of its bounds before the upgrade too");
  return true;
}

Result<> smoke_probes(Context& context, bool only_good_before, Record& out) {
  for (const domain::ProbeSpec& probe : context.settings.stack.upgrade.smoke) {
    if (only_good_before && was_bad_before(context, probe.name, out))
      continue;
    const domain::Reading reading = context.drivers.probe.measure(probe);
    out.gates.push_back(keep(reading));
    if (reading.verdict != Verdict::ok)
      return Error{ErrorKind::failed,
                   "smoke test '" + probe.name + "' is " + verdict_name(reading.verdict) + ": " +
                       base::printable(reading.detail),
                   ""};
    out.detail.push_back(probe.name + ": " + base::printable(reading.detail));
  }
  return ok();
}

} // namespace

Result<> smoke_all(Context& context, bool only_good_before, Record& out) {
  TRY(smoke_probes(context, only_good_before, out));
  for (const domain::CheckSpec& check : context.settings.stack.checks) {
    if (only_good_before &&
        (was_bad_before(context, check.probe.name, out) || was_out_of_bounds(context, check, out)))
      continue;
    const domain::Reading reading = context.drivers.probe.measure(check.probe);
    if (reading.is_pending) { // its window fills during the watch, where it is judged
      out.detail.push_back(check.probe.name + ": " + base::printable(reading.detail));
      continue;
    }
    out.gates.push_back(keep(reading));
    TRY(judge_check(check, reading, find_reading(context.baseline, check.probe.name)));
    out.detail.push_back(check.probe.name + ": " + base::printable(reading.detail));
  }
  const std::size_t count = out.gates.size();
  out.text = count == 0 ? "no smoke test and no check is configured"
                        : base::plural(count, "test passed", "tests passed");
  return ok();
}

Result<> clean_up_untouched(Context& context) {
  for (const domain::StoreSpec& spec : context.settings.stack.stores)
    TRY(context.drivers.of(spec.kind).discard(spec, context.plan.point));
  return context.folder.remove_point(context.plan.point);
}

// A service that does not start is for the gates to find. Where none comes any more, and where a
// failure would end the operation with the service down, it stays in progress: 'resume' tries
// again.
Result<> revive(Context& context) {
  const State state = context.state;
  const bool is_judged = state == State::ready || state == State::smoke || state == State::watch ||
                         state == State::rollback_check || state == State::ready_again ||
                         state == State::smoke_again;
  for (const auto& service : context.settings.stack.services) {
    const auto folder = TRY(context.drivers.runtime.current_folder(service));
    if (!folder)
      continue;
    auto started = context.drivers.runtime.start(service);
    if (!started && !is_judged)
      return started;
    if (!started)
      context.say(world::EventKind::warning, started.error().message);
  }
  return ok();
}

Result<std::vector<std::string>>
restore_config_files(world::Files& files, const std::vector<state::ConfigFile>& wanted) {
  std::vector<std::string> paths;
  paths.reserve(wanted.size());
  for (const state::ConfigFile& file : wanted)
    paths.push_back(file.copy.path);
  const auto now = TRY(state::capture_config(files, paths));
  std::vector<std::string> written;
  for (std::size_t index = 0; index < wanted.size(); ++index) {
    const state::ConfigFile& want = wanted[index];
    if (now[index].copy == want.copy)
      continue;
    written.push_back(want.copy.path);
    if (!want.copy.exists) {
      TRY(files.remove(want.copy.path));
      continue;
    }
    // A link is followed, as it was when the file was captured; a dangling one is the path itself.
    auto resolved = files.resolve(want.copy.path);
    const std::string path = resolved ? resolved.value() : want.copy.path;
    TRY(files.replace(path, want.bytes, want.copy.mode));
    world::EntryInfo like;
    like.mode = want.copy.mode;
    like.user = want.copy.user;
    like.group = want.copy.group;
    TRY(files.set_owner_and_mode(path, like));
  }
  return written;
}

namespace {

// First it is marked as given up, then the data goes, then the record: a crash in between leaves
// a point that says that it cannot be used, never one that lies, and never data without a record.
Result<> let_go(Context& context, state::RestorePoint point) {
  point.given_up.clear();
  for (const domain::Snapshot& snapshot : point.snapshots)
    point.given_up.push_back(snapshot.store);
  TRY(context.folder.update_point(point));
  for (const domain::Snapshot& snapshot : point.snapshots)
    if (const domain::StoreSpec* spec = context.store(snapshot.store))
      TRY(context.drivers.of(spec->kind).discard(*spec, point.id));
  return context.folder.remove_point(point.id);
}

Result<> discard_unless(const std::vector<domain::Release>& needed, Context& context,
                        const domain::Release& release) {
  const bool is_needed = std::ranges::any_of(needed, [&](const domain::Release& keep) {
    return keep.service == release.service && keep.folder == release.folder;
  });
  const auto& services = context.settings.stack.services;
  const auto service = std::ranges::find(services, release.service, &domain::ServiceSpec::name);
  if (is_needed || service == services.end() || !TRY(context.world.files.info(release.folder)))
    return ok();
  return context.drivers.runtime.discard(*service, release);
}

// Releases that no generation, no point and no running service needs any more.
Result<> let_go_of_releases(Context& context, const std::vector<domain::Release>& needed) {
  const int highest = TRY(context.folder.highest_generation());
  const int current = TRY(context.folder.current_generation());
  for (int number = 1; number <= highest - context.settings.stack.keep.releases_min; ++number) {
    const auto generation = TRY(context.folder.generation(number));
    if (!generation || number == current)
      continue;
    for (const domain::Release& release : generation->releases)
      TRY(discard_unless(needed, context, release));
  }
  return ok();
}

// What an upgrade that did not stay has made. It was kept to be looked at until one did stay.
constexpr std::size_t operations_looked_at_max = 20; // the older ones were looked at before

Result<> let_go_of_failed_releases(Context& context, const std::vector<domain::Release>& needed) {
  std::vector<std::string> ids = TRY(context.folder.operation_ids());
  if (ids.size() > operations_looked_at_max)
    ids.erase(ids.begin(), ids.end() - operations_looked_at_max);
  for (const std::string& id : ids) {
    const auto log = journal::Journal::look(context.world.files, context.folder.journal_path(id));
    if (!log || id == context.plan.operation)
      continue; // a journal that cannot be read names nothing that may be removed
    for (const std::string& payload : log.value().records()) {
      if (payload.find("\"releases_to\"") == std::string::npos)
        continue; // nearly all of them: reading them would be most of the work
      const auto record = decode(payload);
      if (!record || !record.value().releases_to)
        continue;
      for (const domain::Release& release : *record.value().releases_to)
        TRY(discard_unless(needed, context, release));
    }
  }
  return ok();
}

} // namespace

Result<> apply_retention(Context& context, Record& out) {
  const domain::Retention& keep = context.settings.stack.keep;
  int points = 0;
  int abandoned = 0;
  int gone = 0;
  std::vector<domain::Release> needed = context.releases_to;
  std::ranges::copy(context.plan.releases_from, std::back_inserter(needed));
  const int current = TRY(context.folder.current_generation());
  for (int number = current; number > 0 && number > current - keep.releases_min; --number)
    if (const auto generation = TRY(context.folder.generation(number)))
      std::ranges::copy(generation->releases, std::back_inserter(needed));
  const auto ids = TRY(context.folder.point_ids());
  for (auto at = ids.rbegin(); at != ids.rend(); ++at) {
    const std::string& id = *at;
    auto point = TRY(context.folder.point(id));
    int& count = point.is_abandoned() ? abandoned : points;
    const int limit = point.is_abandoned() ? keep.abandoned_min : keep.points_min;
    if (++count > limit && id != context.plan.point && id != context.plan.abandoned) {
      TRY_CONTEXT(let_go(context, point), "let go of " + id);
      ++gone;
    } else {
      std::ranges::copy(point.releases, std::back_inserter(needed));
    }
  }
  TRY(let_go_of_releases(context, needed));
  TRY(let_go_of_failed_releases(context, needed));
  out.text = gone == 0 ? "nothing is beyond the retention"
                       : "let go of " + std::to_string(gone) + " older sets";
  return ok();
}

} // namespace engine
