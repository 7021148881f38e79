#include "app/stack_retention.hpp"

#include "app/stack.hpp"
#include "repo/prune.hpp"

#include <algorithm>

namespace app {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr std::uint64_t kept_always = 2;
constexpr const char* pinned = "pinned";

// The points of one stack are one group, whatever host they come from.
repo::format::Snapshot as_one_group(repo::format::Snapshot snapshot) {
  snapshot.host.clear();
  snapshot.paths.clear();
  return snapshot;
}

Result<> let_go_of(repo::Repository& repository, const domain::Stack& stack,
                   const LetGoRequest& request, LetGo::Place& place) {
  const auto work = [&](repo::Lock& lock) -> Result<> {
    place.decisions =
        decide_points(stored_points(TRY(repository.snapshots()), stack.name), stack.backup->keep);
    for (const repo::Decision& decision : place.decisions) {
      if (decision.is_kept)
        continue;
      TRY(lock.keep());
      if (!request.is_dry_run)
        TRY(repository.backend().remove({repo::backend::FileKind::snapshot, decision.snapshot.id}));
      ++place.gone;
    }
    if (place.gone == 0 || request.is_dry_run)
      return ok();
    const auto pruned = TRY(repo::prune(
        repository, lock, {.unused_max = request.unused_max}, [](const std::string&) {},
        [&](std::uint64_t done, std::uint64_t all) {
          if (request.tell)
            request.tell({.text = "written again", .done = done, .total = all});
        }));
    place.bytes_freed = pruned.bytes_removed;
    return ok();
  };
  return repo::with_lock(repository, repo::Sharing::exclusive, work);
}

} // namespace

std::vector<repo::Decision> decide_points(const std::vector<StoredPoint>& points,
                                          const domain::KeepPolicy& policy) {
  std::vector<repo::format::Snapshot> snapshots;
  std::string whole; // the newest without a torn file
  std::int64_t newest = 0;
  for (const StoredPoint& point : points) {
    snapshots.push_back(as_one_group(point.snapshot));
    if (point.torn == 0 && (whole.empty() || point.snapshot.time.seconds >= newest)) {
      whole = point.snapshot.id.hex();
      newest = point.snapshot.time.seconds;
    }
  }
  if (snapshots.empty())
    return {};
  auto decided = repo::decide(
      snapshots, {.last = std::max(policy.last, kept_always),
                  .hourly = policy.hourly,
                  .daily = policy.daily,
                  .weekly = policy.weekly,
                  .monthly = policy.monthly,
                  .yearly = policy.yearly,
                  .within = {.rest = std::chrono::ceil<std::chrono::seconds>(policy.within)},
                  .tags = {pinned}});
  for (repo::Decision& each : decided.front())
    if (each.snapshot.id.hex() == whole && !each.is_kept) {
      each.is_kept = true;
      each.reasons.emplace_back("the newest without a torn file");
    }
  return std::move(decided.front());
}

bool is_pinned(const repo::format::Snapshot& snapshot) {
  const auto has = [&](const char* tag) {
    return std::ranges::find(snapshot.tags, tag) != snapshot.tags.end();
  };
  return has("belay") && has(pinned);
}

Result<LetGo> let_go(const Host& host, const RepoPorts& ports, const LetGoRequest& request) {
  const config::Loaded loaded = TRY(load(host));
  const domain::Stack& stack = loaded.stack;
  TRY(check_name(loaded, request.stack));
  if (!stack.backup || stack.backup->keep == domain::KeepPolicy{})
    return Error{ErrorKind::invalid_input, "belay.yaml does not say which restore points stay",
                 "Add `keep: { last: 7, daily: 14 }` to `backup:`, say."};
  LetGo done;
  std::vector<Where> places{Where::first};
  if (stack.repository->copy)
    places.push_back(Where::copy);
  for (const Where where : places) {
    LetGo::Place& result = done.places.emplace_back();
    const auto work = [&]() -> Result<> {
      StackPlace place = TRY(stack_place(host, stack, where, request.notice));
      result.location = place.name;
      place.place.traffic = request.traffic;
      const auto depot = TRY(open_place(host, ports, place, result.trouble));
      result.location = depot->repository().backend().location();
      return let_go_of(depot->repository(), stack, request, result);
    };
    if (auto worked = work(); !worked)
      result.failure = std::move(worked).error();
  }
  return done;
}

} // namespace app
