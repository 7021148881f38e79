#include "base/text.hpp"
#include "engine/examine.hpp"
#include "engine/gate.hpp"
#include "engine/hooks.hpp"
#include "engine/judging.hpp"
#include "engine/migrating.hpp"
#include "engine/rehearsing.hpp"
#include "engine/steps.hpp"
#include "engine/trigger.hpp"

#include <algorithm>

namespace engine {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

std::string size_text(const world::TreeSize& size) {
  return base::plural(size.files, "entry, ", "entries, ") + base::format_bytes(size.bytes);
}

Result<> do_check(Context& context, Record& out) {
  const Examination found = examine(context.world, context.settings, context.drivers,
                                    context.folder, context.plan.to, context.plan.evidence);
  out.detail = found.warnings;
  if (!found.blockers.empty())
    return Error{ErrorKind::failed, base::join(found.blockers, "\n"), ""};
  out.text = "nothing forbids it";
  return run_hooks(context, domain::HookPoint::pre_check, out);
}

// Once more when a window of time is not full yet, and something is compared with its number.
Result<domain::Reading> settle(Context& context, const domain::CheckSpec& check,
                               domain::Reading reading) {
  constexpr world::Milliseconds every{500};
  const auto deadline = context.world.clock.monotonic() + check.probe.over + every;
  while (reading.is_pending && check.probe.over.count() > 0 &&
         context.world.clock.monotonic() < deadline) {
    if (context.world.clock.stop_requested())
      return Error{ErrorKind::interrupted, "interrupted during the baseline",
                   "Run 'belay resume' to go on, or 'belay abort' to give up."};
    context.world.clock.sleep_for(std::min(every, check.probe.over));
    reading = context.drivers.probe.measure(check.probe);
  }
  return reading;
}

Result<> measure_checks(Context& context, std::vector<KeptReading>& readings) {
  const domain::Stack& stack = context.settings.stack;
  context.drivers.probe.start_over();
  std::vector<domain::Reading> first; // all windows begin together
  for (const auto& check : stack.checks)
    first.push_back(context.drivers.probe.measure(check.probe));
  for (std::size_t i = 0; i < first.size(); ++i) {
    const domain::CheckSpec& check = stack.checks[i];
    domain::Reading reading = first[i];
    const bool is_compared = needs_baseline(stack, check);
    if (is_compared)
      reading = TRY(settle(context, check, std::move(reading)));
    readings.push_back(keep(reading));
    const bool may_lack = reading.is_pending && !is_compared;
    if (!reading.number && !may_lack && wants_number(stack, check.probe.name))
      return Error{ErrorKind::failed,
                   "check '" + check.probe.name +
                       "' is judged by its number, but has none now: " + reading.detail,
                   "Correct what it measures: nothing could be told from it after the change."};
  }
  return ok();
}

Result<> do_baseline(Context& context, Record& out) {
  std::vector<KeptReading> readings;
  if (context.plan.generation_from == 0) {
    out.text = "nothing runs yet: no baseline";
    out.baseline = std::move(readings);
    return ok();
  }
  for (const auto& service : context.settings.stack.services) {
    KeptReading last;
    const auto passed =
        pass_gate(context.world, context.drivers.probe, context.drivers.runtime, service, last);
    readings.push_back(last);
    if (!passed && passed.error().kind == ErrorKind::interrupted)
      return passed.error();
    if (!passed)
      return Error{ErrorKind::failed,
                   "what runs now is not good, so nothing can be compared with it: " +
                       passed.error().message,
                   "Repair it first."};
  }
  for (const auto& probe : context.settings.stack.upgrade.smoke)
    readings.push_back(keep(context.drivers.probe.measure(probe)));
  TRY(measure_checks(context, readings));
  for (const KeptReading& reading : readings)
    out.detail.push_back(reading.probe + ": " + reading.verdict + ", " + reading.detail);
  out.text = std::to_string(readings.size()) + " readings";
  TRY(judge_baseline(context, out));
  out.baseline = std::move(readings);
  return ok();
}

// Everything that is needed to come back, and the new release, is here before anything is touched.
Result<> do_pin(Context& context, Record& out) {
  std::vector<domain::Release> releases;
  bool has_change = context.plan.releases_from.empty();
  for (const auto& service : context.settings.stack.services) {
    const auto release = TRY_CONTEXT(context.drivers.runtime.prepare(service, context.plan.to),
                                     "service '" + service.name + "'");
    const auto from =
        std::ranges::find(context.plan.releases_from, service.name, &domain::Release::service);
    if (from == context.plan.releases_from.end()) {
      has_change = true;
    } else {
      TRY_CONTEXT(context.drivers.runtime.verify(service, *from), "the release to come back to");
      has_change = has_change || from->digest != release.digest;
    }
    out.detail.push_back(service.name + " " + release.label +
                         " sha256:" + release.digest.substr(0, 12) + " in " + release.folder);
    releases.push_back(release);
  }
  if (const auto before = TRY(context.folder.generation(context.plan.generation_from));
      before && context.plan.generation_from > 0) {
    const auto now =
        TRY(state::capture_config(context.world.files, context.settings.stack.config_files));
    has_change = has_change || state::copies_of(now) != before->config;
  }
  // Those that come with the release are here only now.
  const MigrationOutlook outlook =
      outlook_of(context.world.files, context.settings.stack, context.drivers, context.plan.to);
  if (!has_change && outlook.pending == 0)
    return Error{
        ErrorKind::failed,
        "'" + context.plan.to + "' has the same digest as what runs: nothing would change",
        "An upgrade that changes nothing has failed; look at where the release comes from."};
  if (!outlook.problems.empty())
    return Error{ErrorKind::failed, base::join(outlook.problems, "\n"), ""};
  out.detail.insert(out.detail.end(), outlook.lines.begin(), outlook.lines.end());
  out.text = context.plan.to + " is pinned";
  out.releases_to = std::move(releases);
  return ok();
}

Result<> do_protect(Context& context, Record& out) {
  world::TreeSize copied;
  for (const auto& spec : context.settings.stack.stores) {
    const auto report = TRY_CONTEXT(
        context.drivers.of(spec.kind).protect(spec, context.plan.point, context.progress()),
        "store '" + spec.name + "'");
    copied.files += report.copied.files;
    copied.bytes += report.copied.bytes;
    out.detail.push_back(spec.name + ": " + size_text(report.copied) +
                         (report.was_reflinked ? " by reflink" : "") +
                         (report.torn.empty() ? ""
                                              : ", " + std::to_string(report.torn.size()) +
                                                    " changed while read: secure brings them"));
  }
  out.text = context.settings.stack.stores.empty() ? "no stores" : size_text(copied) + " copied";
  // Last of what may fail without any harm: from here on something is stopped.
  return run_hooks(context, domain::HookPoint::pre_quiesce, out);
}

// The manifest is written last: what is not in a complete one does not exist.
Result<> do_secure(Context& context, Record& out) {
  std::vector<domain::Snapshot> snapshots;
  world::TreeSize copied;
  for (const auto& spec : context.settings.stack.stores) {
    const auto report = TRY_CONTEXT(
        context.drivers.of(spec.kind).secure(spec, context.plan.point, context.progress()),
        "store '" + spec.name + "'");
    snapshots.push_back(report.snapshot);
    copied.files += report.copied.files;
    copied.bytes += report.copied.bytes;
    out.detail.push_back(spec.name + ": " + size_text(report.copied) + " since protect, verified");
  }
  state::RestorePoint point;
  point.id = context.plan.point;
  point.stack = context.plan.stack;
  point.at = out.at;
  point.operation = context.plan.operation;
  point.generation = context.plan.generation_from;
  point.releases = context.plan.releases_from;
  point.snapshots = snapshots;
  // The config that belongs to what ran: as of its commit, not as somebody has edited it since.
  std::vector<state::ConfigFile> config;
  if (const auto before = TRY(context.folder.generation(context.plan.generation_from));
      before && context.plan.generation_from > 0) {
    point.label = before->label;
    config = TRY(context.folder.generation_config(*before));
  } else {
    config = TRY(state::capture_config(context.world.files, context.settings.stack.config_files));
  }
  point.config = state::copies_of(config);
  TRY(context.folder.write_point(point, config));
  out.text = "restore point " + point.id + ", " + size_text(copied) + " since protect";
  out.snapshots = std::move(snapshots);
  return run_hooks(context, domain::HookPoint::post_secure, out);
}

Result<> do_start(Context& context, Record& out) {
  TRY(start_all(context, context.releases_to, out));
  return run_hooks(context, domain::HookPoint::post_start, out);
}

Result<> do_ready(Context& context, Record& out) {
  TRY(ready_all(context, out));
  return run_hooks(context, domain::HookPoint::post_ready, out);
}

Result<> do_switch(Context& context, Record& out) {
  for (const auto& service : context.settings.stack.services) {
    const auto release =
        std::ranges::find(context.releases_to, service.name, &domain::Release::service);
    CHECK(release != context.releases_to.end());
    TRY_CONTEXT(context.drivers.runtime.switch_to(service, *release),
                "service '" + service.name + "'");
  }
  out.text = "current is " + context.plan.to;
  return ok();
}

Result<> do_commit(Context& context, Record& out) {
  const auto config =
      TRY(state::capture_config(context.world.files, context.settings.stack.config_files));
  state::Generation generation;
  generation.number = context.plan.generation_to;
  generation.stack = context.plan.stack;
  generation.at = out.at;
  generation.label = context.plan.to;
  generation.operation = context.plan.operation;
  generation.point = context.plan.point;
  generation.releases = context.releases_to;
  generation.config = state::copies_of(config);
  TRY(context.folder.write_generation(generation, config));
  TRY(context.folder.set_current_generation(generation.number));
  out.text = "generation " + std::to_string(generation.number) + " is " + generation.label;
  return ok();
}

Result<> do_tidy(Context& context, Record& out) {
  TRY(let_go_all(context));
  return apply_retention(context, out);
}

} // namespace

Result<> perform_forward(Context& context, State state, Record& out) {
  switch (state) {
  case State::check: return do_check(context, out);
  case State::baseline: return do_baseline(context, out);
  case State::pin: return do_pin(context, out);
  case State::rehearse: return do_rehearse(context, out);
  case State::protect: return do_protect(context, out);
  case State::quiesce: return stop_all(context, out);
  case State::secure: return do_secure(context, out);
  case State::expand: return do_expand(context, out);
  case State::switch_release: return do_switch(context, out);
  case State::migrate: return do_migrate(context, out);
  case State::start: return do_start(context, out);
  case State::ready: return do_ready(context, out);
  case State::smoke: return smoke_all(context, false, out);
  case State::watch: return do_watch(context, out);
  case State::commit: return do_commit(context, out);
  case State::tidy: return do_tidy(context, out);
  default: break;
  }
  CHECK(false);
  return ok();
}

} // namespace engine
