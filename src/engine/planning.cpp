#include "engine/planning.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"
#include "engine/choosing.hpp"
#include "engine/config_diff.hpp"
#include "engine/examine.hpp"
#include "engine/migrating.hpp"
#include "engine/rehearsing.hpp"
#include "engine/table.hpp"

#include <algorithm>

namespace engine {

using base::Error;
using base::ErrorKind;
using base::Result;
using domain::Level;
using state::OperationKind;

namespace {

// Copying and verifying without any history to learn from: a cautious figure for small machines.
constexpr std::uint64_t bytes_a_second_guess = 150'000'000;

std::string new_id(const char* prefix, const std::string& stamp) {
  return std::string{prefix} + "-" + stamp;
}

std::vector<std::string> steps_from(State state) {
  std::vector<std::string> steps;
  for (; !is_end(state); state = row_of(state).on_success)
    steps.emplace_back(row_of(state).name);
  return steps;
}

struct History {
  int count = 0;
  std::int64_t downtime_ms = 0;         // the longest of the last ones
  std::int64_t downtime_without_ms = 0; // the same without their migrations
  std::int64_t total_ms = 0;
};

std::int64_t migrated_ms(const OperationView& seen) {
  std::int64_t all = 0;
  for (const StepRecord& step : seen.steps)
    if (step.step == row_of(State::expand).name || step.step == row_of(State::migrate).name)
      all += step.elapsed_ms;
  return std::min(all, seen.downtime_ms);
}

// What the last committed upgrades took, from their journals.
History history_of(world::World world, const state::Folder& folder) {
  History history;
  const auto ids = folder.operation_ids();
  if (!ids)
    return history;
  for (auto id = ids.value().rbegin(); id != ids.value().rend() && history.count < 3; ++id) {
    const auto seen = view(world, folder, *id);
    if (!seen || seen.value().outcome != domain::Outcome::committed || seen.value().downtime_ms < 0)
      continue;
    ++history.count;
    history.downtime_ms = std::max(history.downtime_ms, seen.value().downtime_ms);
    history.downtime_without_ms =
        std::max(history.downtime_without_ms, seen.value().downtime_ms - migrated_ms(seen.value()));
    history.total_ms = std::max(history.total_ms, seen.value().total_ms);
  }
  return history;
}

void predict(state::Plan& plan, const domain::Stack& stack, const Examination& found,
             const History& history) {
  plan.disk_bytes = found.disk_bytes;
  plan.disk_free_bytes = found.disk_free_bytes;
  const domain::JudgePolicy& judge = stack.upgrade.judge;
  const bool is_judged = plan.kind == state::OperationKind::upgrade && plan.generation_from > 0 &&
                         !judge.probes.empty();
  const auto waits = stack.upgrade.watch.count() + (is_judged ? judge.baseline.count() : 0);
  if (history.count > 0) {
    plan.downtime_ms = history.downtime_ms;
    plan.total_ms = is_judged ? std::max(history.total_ms, waits) : history.total_ms;
    plan.prediction_from = "the slowest of the last " + std::to_string(history.count);
    return;
  }
  std::int64_t gates = 0;
  for (const auto& service : stack.services)
    gates += std::max<std::int64_t>(service.ready.stable.count(),
                                    service.ready.every.count() * service.ready.consecutive) +
             2000;
  const auto copy = static_cast<std::int64_t>(found.stores.bytes * 1000 / bytes_a_second_guess);
  plan.downtime_ms = gates + copy / 10;
  plan.total_ms = copy + 2 * gates + waits;
  plan.prediction_from = "no history: estimated from sizes and gates";
}

// What just these files took on a copy, when they were rehearsed, is what they will take.
void take_rehearsal(world::World world, const state::Folder& folder, const std::string& basis,
                    const History& history, state::Plan& plan) {
  const auto read = state::read_rehearsal(world.files, folder.path());
  if (!read || !read.value() || basis.empty() || read.value()->basis != rehearsal_basis(basis))
    return;
  const state::RehearsalRecord& record = *read.value();
  std::int64_t ran = 0;
  for (const state::RehearsedStore& store : record.stores) {
    ran += store.ran_ms;
    plan.migrations.push_back(store.store + ": rehearsed at " + record.at + ": " +
                              base::plural(store.files, "file", "files") + " in " +
                              base::format_duration(world::Milliseconds{store.ran_ms}) +
                              " on a copy of " + base::format_bytes(store.bytes) + ", made in " +
                              base::format_duration(world::Milliseconds{store.copied_ms}) +
                              (record.has_passed ? "" : "; the last one failed"));
  }
  if (!record.has_passed)
    return;
  const std::int64_t before = plan.downtime_ms;
  plan.downtime_ms = (history.count > 0 ? history.downtime_without_ms : plan.downtime_ms) + ran;
  plan.total_ms = std::max(plan.total_ms + plan.downtime_ms - before, plan.downtime_ms);
  plan.prediction_from += "; migrations as rehearsed";
}

std::string what_decides(const domain::Stack& stack) {
  std::vector<std::string> parts;
  for (const auto& store : stack.stores) {
    if (store.kind == domain::StoreKind::exec)
      parts.push_back(store.name + ": what its driver says");
    else if (store.kind == domain::StoreKind::sqlite)
      parts.push_back(store.name + ": schema and user_version");
    else if (store.kind == domain::StoreKind::postgres && !store.path.empty())
      parts.push_back(store.name + ": its data goes back once its server ran again");
    else if (store.kind == domain::StoreKind::postgres)
      parts.push_back(store.name + ": schema and ledgers");
    else if (store.layout.empty())
      parts.push_back(store.name + ": any change brings the data back");
    else
      parts.push_back(store.name + ": " + base::join(store.layout, ", "));
  }
  return parts.empty() ? "no stores: the release alone goes back" : base::join(parts, "; ");
}

} // namespace

Result<std::string> basis_of(world::World world, const Settings& settings, Drivers drivers,
                             const state::Folder& folder, const state::Plan& plan) {
  std::string basis = settings.digest + "\n" + plan.to + "\n" + plan.point + "\n";
  const int number = TRY(folder.current_generation());
  basis += std::to_string(number) + "\n";
  for (const auto& file : TRY(state::capture_config(world.files, settings.stack.config_files)))
    basis += file.copy.path + " " + file.copy.sha256 + "\n";
  for (const auto& service : settings.stack.services) {
    const auto current = TRY(drivers.runtime.current_folder(service));
    basis += service.name + " " + current.value_or("") + "\n";
  }
  if (plan.kind == OperationKind::upgrade)
    basis += outlook_of(world.files, settings.stack, drivers, plan.to).basis;
  return base::sha256_hex(basis);
}

Result<state::Plan> Engine::plan_upgrade(const UpgradeRequest& request) {
  state::Plan plan;
  const std::string stamp = base::compact_time(world_.clock.now()) + "-" + world_.random.hex(4);
  plan.operation = new_id("o", stamp);
  plan.point = new_id("p", stamp);
  plan.abandoned = new_id("a", stamp);
  plan.stack = settings_.stack.name;
  plan.at = base::format_time(world_.clock.now());
  plan.to = request.to;
  plan.auto_rollback = request.auto_rollback;
  plan.config_digest = settings_.digest;
  plan.generation_from = TRY(folder_.current_generation());
  plan.generation_to = TRY(folder_.highest_generation()) + 1;
  const auto config = TRY(state::capture_config(world_.files, settings_.stack.config_files));
  if (const auto from = TRY(folder_.generation(plan.generation_from));
      from && plan.generation_from > 0) {
    plan.releases_from = from->releases;
    plan.changes.push_back("release  " + from->label + " -> " +
                           (request.to.empty() ? "?" : request.to));
    const auto before = TRY(folder_.generation_config(*from));
    for (std::string& line : diff_config(before, config))
      plan.changes.push_back(std::move(line));
  } else {
    plan.changes.push_back("release  (nothing runs yet) -> " + request.to);
  }
  plan.evidence = request.evidence;
  const Examination found =
      examine(world_, settings_, drivers_, folder_, request.to, request.evidence);
  plan.blockers = found.blockers;
  plan.warnings = found.warnings;
  plan.findings = found.findings;
  plan.migrations = found.migrations;
  if (const std::string other = TRY(folder_.in_progress()); !other.empty())
    // First of all: what else is found may be so only because of it.
    plan.blockers.insert(plan.blockers.begin(),
                         "operation " + other +
                             " is in progress. 'belay resume' goes on, 'belay abort' goes back");
  plan.steps = steps_from(first_state(plan.kind));
  plan.decides_level = what_decides(settings_.stack);
  const History history = history_of(world_, folder_);
  predict(plan, settings_.stack, found, history);
  take_rehearsal(world_, folder_, found.migrations_basis, history, plan);
  plan.basis = TRY(basis_of(world_, settings_, drivers_, folder_, plan));
  return plan;
}

Result<state::Plan> Engine::plan_rollback(const RollbackRequest& request) {
  state::Plan plan;
  const std::string stamp = base::compact_time(world_.clock.now()) + "-" + world_.random.hex(4);
  plan.operation = new_id("o", stamp);
  plan.abandoned = new_id("a", stamp);
  plan.kind = OperationKind::rollback;
  plan.stack = settings_.stack.name;
  plan.at = base::format_time(world_.clock.now());
  plan.level = request.level;
  plan.is_compatible = request.is_compatible;
  plan.config_digest = settings_.digest;
  plan.generation_from = TRY(folder_.current_generation());
  const auto from = TRY(folder_.generation(plan.generation_from));
  if (plan.generation_from == 0 || !from)
    return Error{ErrorKind::not_found,
                 "nothing was ever committed, so there is nothing to go back to",
                 "Upgrade to a first release with 'belay upgrade'."};
  plan.releases_from = from->releases;
  if (request.level == Level::restart) {
    plan.generation_to = plan.generation_from;
    plan.changes.push_back("release  " + from->label + " is stopped and started again");
  } else {
    plan.point = request.to.empty() ? from->point : request.to;
    plan.to = plan.point;
    const auto point = TRY(folder_.point(plan.point));
    plan.generation_to = TRY(folder_.highest_generation()) + 1;
    plan.changes.push_back("release  " + from->label + " -> " +
                           (point.label.empty() ? "(nothing ran)" : point.label));
    const auto now = TRY(state::capture_config(world_.files, settings_.stack.config_files));
    for (std::string& line : diff_config(now, TRY(folder_.point_config(point))))
      plan.changes.push_back(std::move(line));
    if (!point.given_up.empty())
      plan.warnings.push_back("the data of " + point.id +
                              " became live by an earlier way back: only the release can go back");
    for (const domain::Snapshot& snapshot : point.snapshots)
      for (const auto& spec : settings_.stack.stores)
        if (spec.name == snapshot.store && point.given_up.empty())
          if (const auto evidence = drivers_.of(spec.kind).evidence(spec, snapshot))
            plan.changes.push_back("data     " + spec.name + ": " + evidence.value().detail +
                                   " since " + point.at);
  }
  Drivers drivers = drivers_;
  drivers.preflight = nullptr; // nothing of it may hold up a way back
  const Examination found = examine(world_, settings_, drivers, folder_, "", {});
  plan.warnings.insert(plan.warnings.end(), found.warnings.begin(), found.warnings.end());
  plan.steps = steps_from(first_state(plan.kind));
  plan.decides_level = request.level == Level::automatic
                           ? what_decides(settings_.stack)
                           : "you: level " + std::string{domain::name_of(request.level)};
  predict(plan, settings_.stack, found, history_of(world_, folder_));
  if (!plan.point.empty())
    add_levels(world_, settings_, drivers_, folder_, TRY(folder_.point(plan.point)), plan);
  plan.basis = TRY(basis_of(world_, settings_, drivers_, folder_, plan));
  return plan;
}

} // namespace engine
