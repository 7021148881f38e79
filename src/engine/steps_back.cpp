// The way back: hold, keep what is abandoned, bring back data, config and release, verify, settle.

#include "base/text.hpp"
#include "engine/choosing.hpp"
#include "engine/hooks.hpp"
#include "engine/level.hpp"
#include "engine/migrating.hpp"
#include "engine/steps.hpp"

#include <algorithm>

namespace engine {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::Level;

namespace {

bool is_upgrade(const Context& context) {
  return context.plan.kind == state::OperationKind::upgrade;
}

bool goes_back(const Context& context, const std::string& store) {
  return std::ranges::find(context.stores_back, store) != context.stores_back.end();
}

Result<> verify_snapshots(Context& context, const Target& target, world::Depth depth) {
  for (const domain::Snapshot& snapshot : target.snapshots)
    if (const domain::StoreSpec* spec = context.store(snapshot.store))
      TRY_CONTEXT(context.drivers.of(spec->kind).verify(*spec, snapshot, depth),
                  "store '" + snapshot.store + "'");
  return ok();
}

// The readings that the target was judged by, when it was last upgraded away from.
Result<std::vector<KeptReading>> baseline_of(Context& context, const std::string& point_id) {
  const auto point = context.folder.point(point_id);
  if (!point)
    return std::vector<KeptReading>{};
  const auto log = journal::Journal::look(context.world.files,
                                          context.folder.journal_path(point.value().operation));
  if (!log)
    return std::vector<KeptReading>{}; // an older operation's journal is a convenience here
  for (const std::string& payload : log.value().records())
    if (const auto record = decode(payload); record && record.value().baseline)
      return *record.value().baseline;
  return std::vector<KeptReading>{};
}

// What happened so far; the evidence is not in it yet.
LevelQuestion question_of(const Context& context) {
  LevelQuestion question;
  question.at_least = context.level_min;
  if (is_upgrade(context)) {
    question.asked = context.level_asked;
    question.was_switched = context.has_begun(State::switch_release);
    question.could_write =
        context.has_begun(State::migrate) ||
        (context.has_begun(State::expand) && !context.settings.stack.upgrade.migrate.empty());
    question.could_serve = context.has_begun(State::start);
    question.facts = context.ledgers;
    return question;
  }
  question.asked = context.plan.level;
  question.was_switched = true;
  question.could_write = true;
  question.is_vouched = context.plan.is_compatible;
  if (const auto point = context.folder.point(context.plan.point))
    question.facts = facts_since(context.world, context.folder, point.value().operation);
  return question;
}

// From then on the set can bring them back like any restore point.
Result<> adopt_all(Context& context, state::RestorePoint set) {
  for (domain::Snapshot& snapshot : set.snapshots) {
    const domain::StoreSpec* spec = context.store(snapshot.store);
    if (spec == nullptr || snapshot.is_secured)
      continue;
    snapshot = TRY_CONTEXT(context.drivers.of(spec->kind)
                               .adopt(*spec, {.store = snapshot.store,
                                              .kept = snapshot.kept,
                                              .files = snapshot.files,
                                              .bytes = snapshot.bytes}),
                           "store '" + spec->name + "'");
    TRY(context.folder.update_point(set));
  }
  return ok();
}

// Everything that the way back needs is verified while the service still runs.
Result<> do_rollback_check(Context& context, Record& out) {
  const Target target = TRY(context.target());
  if (target.releases.empty() && context.plan.level != Level::restart)
    return Error{ErrorKind::failed, "nothing ran before, so there is nothing to go back to",
                 "Upgrade to a release that works instead."};
  for (const auto& service : context.settings.stack.services)
    for (const domain::Release& release : target.releases)
      if (release.service == service.name)
        TRY_CONTEXT(context.drivers.runtime.verify(service, release),
                    "service '" + service.name + "'");
  if (context.plan.level == Level::release) {
    LevelQuestion question = question_of(context);
    question.evidence = gather_evidence(context.settings.stack, context.drivers, target.snapshots);
    if (std::string why = why_refused(question); !why.empty())
      return Error{ErrorKind::failed, std::move(why), ""};
  }
  const bool may_bring_data =
      context.plan.level != Level::restart && context.plan.level != Level::release;
  if (may_bring_data) {
    if (auto point = context.folder.point(context.plan.point);
        point && point.value().is_abandoned())
      TRY(adopt_all(context, std::move(point).value()));
    TRY(verify_snapshots(context, TRY(context.target()), world::Depth::full));
  }
  if (context.plan.level == Level::data || context.plan.level == Level::full) {
    if (!context.plan.point.empty() &&
        !TRY(context.folder.point(context.plan.point)).given_up.empty())
      return Error{ErrorKind::failed,
                   "the data of " + context.plan.point +
                       " already became live by an earlier way back",
                   "Use --level release, or another restore point."};
  }
  out.baseline = TRY(baseline_of(context, context.plan.point));
  out.text = "release, config" + std::string{may_bring_data ? " and data" : ""} + " of " +
             (target.label.empty() ? "the target" : target.label) + " are whole";
  return ok();
}

// Stop everything, then decide from evidence, with nobody writing any more.
Result<> do_hold(Context& context, Record& out) {
  run_hooks_of_way_back(context, domain::HookPoint::pre_rollback, out);
  TRY(stop_all(context, out));
  TRY(let_in_all(context));
  const Target target = TRY(context.target());
  LevelQuestion question = question_of(context);
  for (const domain::Snapshot& snapshot : target.snapshots) {
    const domain::StoreSpec* spec = context.store(snapshot.store);
    const bool is_back_already = std::ranges::any_of(
        context.abandoned, [&](const auto& each) { return each.store == snapshot.store; });
    if (spec == nullptr || is_back_already) // an escalation after its data went back
      continue;
    if (!question.could_write) {
      question.evidence.push_back({snapshot.store, domain::Movement::none, ""});
      continue;
    }
    auto evidence = context.drivers.of(spec->kind).evidence(*spec, snapshot);
    if (!evidence && evidence.error().kind != ErrorKind::not_found &&
        evidence.error().kind != ErrorKind::corrupt)
      return std::move(evidence).error();
    question.evidence.push_back(evidence
                                    ? evidence.value()
                                    : domain::Evidence{snapshot.store, domain::Movement::unreadable,
                                                       evidence.error().message});
  }
  const LevelAnswer answer = decide_level(question);
  out.level = answer.level;
  out.stores = answer.stores;
  for (const auto& each : context.abandoned)
    out.stores->push_back(each.store); // restoring again is a look, and keeps the record whole
  out.detail.insert(out.detail.end(), answer.reasons.begin(), answer.reasons.end());
  out.text = "stopped; level " + std::string{domain::name_of(answer.level)};
  return ok();
}

// What is about to be swapped out gets a record first, so that it is never data without a name.
Result<> do_capture_abandoned(Context& context, Record& out) {
  const auto config =
      TRY(state::capture_config(context.world.files, context.settings.stack.config_files));
  const Target target = TRY(context.target());
  std::vector<state::ConfigCopy> wanted;
  for (const auto& file : target.config)
    wanted.push_back(file.copy);
  const bool config_goes =
      context.level != Level::restart && !wanted.empty() && wanted != state::copies_of(config);
  if (context.stores_back.empty() && !config_goes) {
    out.text = "nothing will be swapped out";
    return ok();
  }
  if (context.folder.point(context.plan.abandoned)) {
    out.text =
        context.plan.abandoned + " is recorded"; // an earlier try; its config was the live one
    return ok();
  }
  state::RestorePoint set;
  set.id = context.plan.abandoned;
  set.stack = context.plan.stack;
  set.at = out.at;
  set.operation = context.plan.operation;
  if (is_upgrade(context)) {
    set.label = context.plan.to;
    set.releases = context.releases_to;
    set.note = "taken back by " + context.plan.operation + ": " + context.why;
  } else {
    set.generation = context.plan.generation_from;
    set.releases = context.plan.releases_from;
    if (const auto from = TRY(context.folder.generation(set.generation)); from)
      set.label = from->label;
    set.note = "taken back by " + context.plan.operation + " on request";
  }
  set.config = state::copies_of(config);
  TRY(context.folder.write_point(set, config));
  out.text = set.id + " will keep " +
             (context.stores_back.empty() ? "the config" : base::join(context.stores_back, ", "));
  return ok();
}

// The point says that a store was given up BEFORE its copy becomes the live data: a point that is
// believed must never name a copy that is no longer its own.
Result<> give_up(Context& context, const std::string& store) {
  if (context.plan.point.empty())
    return ok();
  auto point = TRY(context.folder.point(context.plan.point));
  if (std::ranges::find(point.given_up, store) != point.given_up.end())
    return ok();
  point.given_up.push_back(store);
  return context.folder.update_point(point);
}

// Only that it is kept, for the service is down: the whole of it is read when the service runs
// again.
Result<> record_abandoned(Context& context, const domain::Abandoned& abandoned) {
  auto set = TRY(context.folder.point(context.plan.abandoned));
  if (std::ranges::find(set.snapshots, abandoned.store, &domain::Snapshot::store) !=
      set.snapshots.end())
    return ok();
  set.snapshots.push_back({.store = abandoned.store,
                           .kept = abandoned.kept,
                           .files = abandoned.files,
                           .bytes = abandoned.bytes});
  return context.folder.update_point(set);
}

// What is abandoned may be damaged: then it stays as it is, and what was brought back stays good.
Result<> adopt_abandoned(Context& context, Record& out) {
  auto set = context.folder.point(context.plan.abandoned);
  if (!set && set.error().kind == ErrorKind::not_found)
    return ok(); // nothing was swapped out
  TRY(set);
  if (const auto adopted = adopt_all(context, std::move(set).value()); !adopted)
    out.detail.push_back("what was abandoned could not be read: " + adopted.error().message);
  return ok();
}

Result<> do_restore_data(Context& context, Record& out) {
  const Target target = TRY(context.target());
  std::vector<domain::Abandoned> all;
  for (const domain::Snapshot& snapshot : target.snapshots) {
    const domain::StoreSpec* spec = context.store(snapshot.store);
    if (spec == nullptr || !goes_back(context, snapshot.store))
      continue;
    TRY(give_up(context, snapshot.store));
    auto abandoned =
        TRY_CONTEXT(context.drivers.of(spec->kind).restore(*spec, snapshot, context.plan.abandoned),
                    "store '" + spec->name + "'");
    TRY(record_abandoned(context, abandoned));
    out.detail.push_back(spec->name + ": back as of " + context.plan.point + "; " +
                         base::plural(abandoned.differences, "entry differs", "entries differ") +
                         ", kept in " + abandoned.kept);
    all.push_back(std::move(abandoned));
  }
  out.text =
      all.empty() ? "the data stays" : base::plural(all.size(), "store is back", "stores are back");
  out.abandoned = std::move(all);
  return ok();
}

Result<> do_restore_config(Context& context, Record& out) {
  if (context.level == Level::restart && !is_upgrade(context)) {
    out.text = "the config stays";
    return ok();
  }
  const Target target = TRY(context.target());
  const auto written = TRY(restore_config_files(context.world.files, target.config));
  for (const std::string& path : written)
    out.detail.push_back("put back " + path);
  out.text = written.empty()
                 ? "no config file differs"
                 : base::plural(written.size(), "config file is back", "config files are back");
  return ok();
}

Result<> do_restore_release(Context& context, Record& out) {
  const Target target = TRY(context.target());
  for (const auto& service : context.settings.stack.services)
    for (const domain::Release& release : target.releases)
      if (release.service == service.name)
        TRY_CONTEXT(context.drivers.runtime.switch_to(service, release),
                    "service '" + service.name + "'");
  out.text = target.releases.empty() ? "nothing ran before" : "current is " + target.label;
  return ok();
}

Result<> do_start_again(Context& context, Record& out) {
  return start_all(context, TRY(context.target()).releases, out);
}

Result<> do_smoke_again(Context& context, Record& out) {
  if (TRY(context.target()).releases.empty()) {
    out.text = "no release was committed before, so nothing is asked";
    return ok();
  }
  return smoke_all(context, true, out);
}

// One level up when there is more to bring back; else a person has to look. It never flaps.
Result<> do_escalate(Context& context, Record& out) {
  const bool is_fixed = !is_upgrade(context) && context.plan.level != Level::automatic;
  const Target target = TRY(context.target());
  const bool has_data = std::ranges::any_of(target.snapshots, [&](const auto& snapshot) {
    return context.store(snapshot.store) != nullptr && !goes_back(context, snapshot.store);
  });
  Level next = context.level;
  if (context.level == Level::restart && !is_fixed)
    next = Level::release;
  else if (context.level < Level::full && has_data && !is_fixed)
    next = context.level == Level::release ? Level::data : Level::full;
  if (next == Level::data && context.stores_back.empty()) {
    // Evidence said that nothing moved; only `full` brings back what did not move.
    next = std::ranges::none_of(target.snapshots, [](const auto&) { return true; }) ? context.level
                                                                                    : Level::data;
  }
  if (next == context.level)
    return Error{ErrorKind::failed,
                 "what ran before does not come back, and there is no higher level to try",
                 "Everything is kept. Look at 'belay report', repair, then run 'belay resume'."};
  out.level = next;
  out.text = "level " + std::string{domain::name_of(context.level)} +
             " was not enough: " + std::string{domain::name_of(next)};
  return ok();
}

// Before the first generation: a unit may run again as it did before belay came.
std::string what_runs(Context& context) {
  std::vector<std::string> running;
  for (const auto& service : context.settings.stack.services)
    if (const auto seen = context.drivers.runtime.observe(service); seen && seen.value().is_running)
      running.push_back(service.name);
  return running.empty() ? "nothing runs, as before"
                         : base::join(running, ", ") + " runs as before the first upgrade";
}

Result<> do_settle(Context& context, Record& out) {
  const Target target = TRY(context.target());
  int number = target.generation;
  if (is_upgrade(context)) {
    number = context.plan.generation_from;
  } else if (number == 0 && !target.releases.empty()) {
    // What was brought back was never committed: now it is what runs.
    state::Generation generation;
    generation.number = context.plan.generation_to;
    generation.stack = context.plan.stack;
    generation.at = out.at;
    generation.label = target.label;
    generation.operation = context.plan.operation;
    generation.releases = target.releases;
    generation.config = state::copies_of(target.config);
    TRY(context.folder.write_generation(generation, target.config));
    number = generation.number;
  }
  TRY(context.folder.set_current_generation(number));
  TRY(let_go_all(context));
  run_hooks_of_way_back(context, domain::HookPoint::post_rollback, out);
  TRY(adopt_abandoned(context, out));
  out.text = number == 0 ? what_runs(context)
                         : "generation " + std::to_string(number) + " runs: " + target.label;
  return ok();
}

} // namespace

Result<> perform_back(Context& context, State state, Record& out) {
  switch (state) {
  case State::rollback_check: return do_rollback_check(context, out);
  case State::hold: return do_hold(context, out);
  case State::capture_abandoned: return do_capture_abandoned(context, out);
  case State::restore_data: return do_restore_data(context, out);
  case State::restore_config: return do_restore_config(context, out);
  case State::restore_release: return do_restore_release(context, out);
  case State::start_again: return do_start_again(context, out);
  case State::ready_again: return ready_all(context, out);
  case State::smoke_again: return do_smoke_again(context, out);
  case State::escalate: return do_escalate(context, out);
  case State::settle: return do_settle(context, out);
  default: break;
  }
  CHECK(false);
  return ok();
}

} // namespace engine
