#include "engine/choosing.hpp"

#include "base/text.hpp"
#include "engine/migrating.hpp"

#include <algorithm>

namespace engine {

using domain::Evidence;
using domain::Level;
using domain::Movement;
using state::LevelChoice;

namespace {

const domain::StoreSpec* spec_of(const domain::Stack& stack, const std::string& store) {
  const auto found = std::ranges::find(stack.stores, store, &domain::StoreSpec::name);
  return found == stack.stores.end() ? nullptr : &*found;
}

// While the services are down a folder is compared file by file, and other stores are read.
constexpr std::uint64_t files_a_second_guess = 100'000;
constexpr std::uint64_t compared_a_second_guess = 150'000'000;

std::int64_t milliseconds_for(const domain::StoreSpec& spec, const domain::Snapshot& snapshot) {
  const std::uint64_t time =
      spec.kind == domain::StoreKind::directory || spec.kind == domain::StoreKind::volume
          ? snapshot.files * 1000 / files_a_second_guess
          : snapshot.bytes * 1000 / compared_a_second_guess;
  return static_cast<std::int64_t>(time);
}

class Chooser {
public:
  Chooser(world::World world, const Settings& settings, Drivers drivers,
          const state::Folder& folder, const state::RestorePoint& point, state::Plan& plan)
      : world_{world}, stack_{settings.stack}, drivers_{drivers}, folder_{folder}, point_{point},
        plan_{plan} {}

  void choose() {
    question_.asked = plan_.level;
    question_.was_switched = true;
    question_.could_write = true;
    question_.is_vouched = plan_.is_compatible;
    question_.facts = facts_since(world_, folder_, point_.operation);
    if (point_.given_up.empty())
      question_.evidence = gather_evidence(stack_, drivers_, point_.snapshots);
    const LevelAnswer answer = decide_level(question_);
    plan_.picked = answer.level;
    plan_.reasons = answer.reasons;
    for (const Level level : {Level::restart, Level::release, Level::data, Level::full})
      plan_.levels.push_back(choice_of(level));
    const auto choice = [&](Level level) {
      return std::ranges::find(plan_.levels, level, &LevelChoice::level);
    };
    if (const auto picked = choice(answer.level); picked != plan_.levels.end())
      plan_.downtime_ms = picked->downtime_ms;
    // Evidence may have raised what was asked for: that is refused, not made something else.
    const auto wanted = choice(plan_.level == Level::automatic ? answer.level : plan_.level);
    if (wanted != plan_.levels.end() && !wanted->why_not.empty())
      plan_.blockers.push_back(wanted->why_not);
  }

private:
  LevelChoice choice_of(Level level) {
    return {.level = level,
            .why_not = why_not(level),
            .downtime_ms = downtime_of(level),
            .price = price_of(level)};
  }

  std::string why_not(Level level) {
    if (level == Level::restart)
      return not_whole(plan_.releases_from);
    if (point_.releases.empty())
      return "nothing ran before " + point_.id;
    if (std::string why = not_whole(point_.releases); !why.empty())
      return why;
    if (level == Level::release)
      return why_refused(question_);
    if (!point_.given_up.empty())
      return "the data of " + point_.id + " became live by an earlier way back";
    for (const domain::Snapshot& snapshot : point_.snapshots)
      if (const auto* spec = spec_of(stack_, snapshot.store); spec && snapshot.is_secured)
        if (const auto whole = drivers_.of(spec->kind).verify(*spec, snapshot, world::Depth::quick);
            !whole)
          return whole.error().message;
    return "";
  }

  std::string not_whole(const std::vector<domain::Release>& releases) {
    for (const auto& service : stack_.services)
      for (const domain::Release& release : releases)
        if (release.service == service.name)
          if (const auto whole = drivers_.runtime.verify(service, release); !whole)
            return "service '" + service.name + "': " + whole.error().message;
    return "";
  }

  bool goes_back(const domain::Snapshot& snapshot, Level level) const {
    const auto evidence = std::ranges::find(question_.evidence, snapshot.store, &Evidence::store);
    if (level < Level::data || evidence == question_.evidence.end())
      return false;
    return level == Level::full || evidence->movement != Movement::none;
  }

  // As the last ones of this level took; else by gates and sizes.
  std::int64_t downtime_of(Level level) {
    if (const auto known = slowest_of(level); known >= 0)
      return known;
    std::int64_t downtime = 0;
    for (const auto& service : stack_.services)
      downtime += std::max<std::int64_t>(service.ready.stable.count(),
                                         service.ready.every.count() * service.ready.consecutive) +
                  2000;
    for (const domain::Snapshot& snapshot : point_.snapshots)
      if (const auto* spec = spec_of(stack_, snapshot.store); spec && goes_back(snapshot, level))
        downtime += milliseconds_for(*spec, snapshot);
    return downtime;
  }

  std::int64_t slowest_of(Level level) {
    std::int64_t slowest = -1;
    int count = 0;
    const auto ids = folder_.operation_ids();
    if (!ids)
      return slowest;
    for (auto id = ids.value().rbegin(); id != ids.value().rend() && count < 3; ++id) {
      const auto seen = view(world_, folder_, *id);
      if (!seen || seen.value().level != level || seen.value().downtime_ms < 0 ||
          seen.value().plan.kind != state::OperationKind::rollback || !seen.value().has_ended)
        continue;
      ++count;
      slowest = std::max(slowest, seen.value().downtime_ms);
    }
    return slowest;
  }

  std::string price_of(Level level) {
    if (level == Level::restart)
      return "nothing goes back";
    const std::string config = "release and config go back";
    if (level == Level::release)
      return config + ", data stays as it is now";
    std::vector<std::string> back;
    for (const domain::Snapshot& snapshot : point_.snapshots)
      if (goes_back(snapshot, level))
        back.push_back(snapshot.store);
    if (back.empty())
      return config + "; no store moved, so no data has to";
    return config + "; what was written since " + point_.at + " in " + base::join(back, ", ") +
           " is no longer live, and kept as " + plan_.abandoned;
  }

  world::World world_;
  const domain::Stack& stack_;
  Drivers drivers_;
  const state::Folder& folder_;
  const state::RestorePoint& point_;
  state::Plan& plan_;
  LevelQuestion question_;
};

} // namespace

std::vector<Evidence> gather_evidence(const domain::Stack& stack, Drivers drivers,
                                      const std::vector<domain::Snapshot>& snapshots) {
  std::vector<Evidence> all;
  for (const domain::Snapshot& snapshot : snapshots)
    if (const auto* spec = spec_of(stack, snapshot.store)) {
      auto evidence = drivers.of(spec->kind).evidence(*spec, snapshot);
      all.push_back(evidence ? std::move(evidence).value()
                             : Evidence{.store = snapshot.store,
                                        .movement = Movement::unreadable,
                                        .detail = evidence.error().message});
    }
  return all;
}

std::string why_refused(const LevelQuestion& question) {
  for (const Evidence& evidence : question.evidence)
    if (!evidence.ledger_moved.empty() && forbids_release(evidence, question))
      return "the migrations of store '" + evidence.store +
             "' moved since, and nobody declared them compatible (" + evidence.ledger_moved +
             "): the release alone must not go back. Take level data, or say --compatible when you "
             "know that the release before works with the data as it is";
  return "";
}

void add_levels(world::World world, const Settings& settings, Drivers drivers,
                const state::Folder& folder, const state::RestorePoint& point, state::Plan& plan) {
  Chooser{world, settings, drivers, folder, point, plan}.choose();
}

} // namespace engine
