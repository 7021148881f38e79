#include "repo_steps.hpp"

#include "repo/backup.hpp"
#include "repo/check.hpp"
#include "repo/copy.hpp"
#include "repo/prune.hpp"
#include "repo/repair.hpp"
#include "repo/restore.hpp"
#include "repo/usage.hpp"

#include <algorithm>

namespace repo_sim {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using repo::Lock;
using repo::Repository;
using repo::Sharing;
using repo::with_lock;
using repo::backend::FileKind;
using repo::backend::FileName;
using repo::format::Id;
using repo::format::Snapshot;

namespace {

constexpr std::size_t pack_bytes = 12'000; // several packs of little data
constexpr std::chrono::minutes stale_after{30};

void hear(const std::string&) {}

Result<> back_up(Life& life, std::size_t place, sim::FolderDisk& disk, const std::string& path,
                 std::uint64_t choice) {
  repo::BackupOptions how{.paths = {path}, .threads = 1};
  how.is_everything_read = choice % 4 == 0;
  how.is_all_read_back = choice % 3 == 0;
  how.save.pack_bytes = pack_bytes;
  sim::SimFolders folders{disk};
  Repository& to = life.open(place);
  return with_lock(to, Sharing::shared, [&](Lock& lock) -> Result<> {
    TRY(repo::backup(to, lock, folders, how, {}));
    return ok();
  });
}

Result<> forget(Repository& repository, const std::vector<std::string>& gone) {
  return with_lock(repository, Sharing::exclusive, [&](Lock& lock) -> Result<> {
    for (const Snapshot& snapshot : TRY(repository.snapshots())) {
      TRY(lock.keep());
      if (std::ranges::find(gone, snapshot.id.hex()) != gone.end())
        TRY(repository.backend().remove({FileKind::snapshot, snapshot.id}));
    }
    return ok();
  });
}

Result<repo::PruneReport> prune(Repository& repository, double unused_max, bool is_dry_run) {
  const repo::PruneOptions how{.unused_max = unused_max, .is_dry_run = is_dry_run};
  return with_lock(repository, Sharing::exclusive,
                   [&](Lock& lock) { return repo::prune(repository, lock, how, hear); });
}

Result<> copy(Life& life, std::uint64_t choice) {
  repo::CopyOptions how{.is_all_read_back = choice % 3 == 0, .threads = 1};
  how.save.pack_bytes = pack_bytes;
  Repository& from = life.open(0);
  Repository& to = life.open(1);
  return with_lock(from, Sharing::shared, [&](Lock& from_lock) {
    return with_lock(to, Sharing::shared, [&](Lock& to_lock) -> Result<> {
      TRY(repo::copy({from, from_lock}, {to, to_lock}, how, {}));
      return ok();
    });
  });
}

Result<repo::RepairReport> repair(Repository& repository, bool is_data_read) {
  const repo::RepairOptions how{.is_data_read = is_data_read};
  return with_lock(repository, Sharing::exclusive,
                   [&](Lock& lock) { return repo::repair(repository, lock, how, {}); });
}

Result<> restore(Repository& repository, sim::SimFolders& folders, const std::string& id,
                 const std::string& below, const std::string& target, bool is_in_place) {
  repo::RestoreOptions how{.target = target, .below = below, .threads = 1};
  if (is_in_place)
    how.in_place = repo::InPlace{.is_extra_removed = true};
  return with_lock(repository, Sharing::shared, [&](Lock& lock) -> Result<> {
    const Snapshot snapshot = TRY(repository.snapshot(id));
    TRY(repository.load_index());
    TRY(repo::restore(repository, lock, folders, snapshot, how, {}));
    return ok();
  });
}

// The snapshot, brought back into a new place and compared.
std::string not_given_back(State& state, std::size_t place, const std::string& id) {
  Life life{state, "here", nullptr};
  sim::FolderDisk empty;
  sim::SimFolders folders{empty};
  const Expected& expected = state.expected.at(place).at(id);
  if (auto back = restore(life.open(place), folders, id, expected.below, "/back", false); !back)
    return "snapshot " + id.substr(0, 8) + " does not come back: " + back.error().message;
  if (empty.now.describe("/back") != expected.tree)
    return "snapshot " + id.substr(0, 8) + " is another than it was:\n" + expected.tree +
           "came back as\n" + empty.now.describe("/back");
  return "";
}

// Snapshots that are new are those of this step, or of a visitor.
std::string take_in(State& state, std::size_t place, Repository& repository,
                    std::vector<std::string>& fresh) {
  auto all = repository.snapshots();
  if (!all)
    return "snapshots cannot be listed: " + all.error().message;
  for (const Snapshot& snapshot : all.value()) {
    const std::string id = snapshot.id.hex();
    if (state.expected.at(place).contains(id))
      continue;
    if (const auto forgotten = state.known.find(id); forgotten != state.known.end())
      continue; // one that was to go and did not yet
    Expected expected{"/src", state.source.now.describe("/src")};
    if (snapshot.original)
      expected = state.known.at(snapshot.original->hex());
    else if (snapshot.host == "there")
      expected = {"/others", state.others.now.describe("/others")};
    state.known.emplace(id, expected);
    state.expected.at(place).emplace(id, expected);
    fresh.push_back(id);
  }
  for (const auto& [id, expected] : state.expected.at(place))
    if (std::ranges::none_of(all.value(),
                             [&](const Snapshot& each) { return each.id.hex() == id; }))
      return "snapshot " + id.substr(0, 8) + " is gone";
  return "";
}

std::string place_broken(State& state, std::size_t place, const Step& step) {
  Life life{state, "here", nullptr};
  Repository& repository = life.open(place);
  std::vector<std::string> fresh;
  if (auto wrong = take_in(state, place, repository, fresh); !wrong.empty())
    return wrong;
  if (step.kind == Kind::mend && step.place == place)
    return ""; // until it is mended, which is the outcome
  const repo::CheckOptions how{.is_data_read = true, .threads = 1};
  const auto report = with_lock(repository, Sharing::exclusive,
                                [&](Lock& lock) { return repo::check(repository, lock, how, {}); });
  if (!report)
    return "it cannot be checked: " + report.error().message;
  if (!report.value().errors.empty())
    return "check says: " + report.value().errors.front();
  if (!repository.backend().list(FileKind::lock).value().empty())
    return "a lock stays behind";
  const auto& all = state.expected.at(place);
  if (!all.empty()) // and one of the others, each time another
    fresh.push_back(std::next(all.begin(), static_cast<long>(state.lives % all.size()))->first);
  for (const std::string& id : fresh)
    if (auto wrong = not_given_back(state, place, id); !wrong.empty())
      return wrong;
  return "";
}

// Nothing names what is not there.
std::string reference_broken(Repository& repository) {
  const auto snapshots = repository.snapshots();
  const auto packs = repository.backend().list(FileKind::pack);
  const auto files = repository.backend().list(FileKind::index);
  if (!snapshots || !packs || !files || !repository.load_index())
    return "it cannot be read";
  for (const auto& file : files.value()) {
    const auto json = repository.load({FileKind::index, file.id});
    const auto named = repo::format::index_from_json(json.value());
    for (const auto& pack : named.value())
      if (!std::ranges::binary_search(packs.value(), pack.id, {}, &repo::backend::Listed::id))
        return "an index file names the pack " + repo::short_id(pack.id) + ", which is not there";
  }
  std::string wrong;
  const auto usage = repo::find_usage(repository, snapshots.value(),
                                      {[&](const std::string& problem) -> Result<> {
                                         wrong = problem;
                                         return ok();
                                       },
                                       {}});
  return usage ? wrong : usage.error().message;
}

std::string lock_broken(Life& watcher, Repository& repository, std::uint64_t life,
                        bool is_removal) {
  bool is_covered = false;
  const auto locks = repo::find_locks(repository);
  for (const repo::FoundLock& found : locks.value()) {
    if (watcher.ports().clock.now() - found.lock.time.point() > stale_after)
      continue;
    const bool is_ours = found.lock.host == "here" && found.lock.pid == life;
    is_covered = is_covered || (is_ours && (found.lock.is_exclusive || !is_removal));
    if (found.lock.host == "there" && (found.lock.is_exclusive || is_removal))
      return "it goes on beside the lock of another";
  }
  return is_covered ? "" : "it goes on without a lock";
}

} // namespace

const char* name_of(Kind kind) {
  switch (kind) {
  case Kind::backup: return "backup";
  case Kind::forget: return "forget";
  case Kind::prune: return "prune";
  case Kind::copy: return "copy";
  case Kind::repair: return "repair";
  case Kind::mend: return "mend";
  case Kind::restore: return "restore";
  }
  return "?";
}

Result<> Visitor::work(Repository& repository, std::size_t place, Hurt hurt) {
  if (hurt == Hurt::visit_backup)
    return back_up(*life_, place, state_.others, "/others", 1);
  if (hurt == Hurt::visit_hold) {
    held_ = TRY(Lock::acquire(repository, Sharing::exclusive));
    return ok();
  }
  if (hurt == Hurt::sleep) {
    TRY(repo::unlock(repository, false));
    auto& expected = state_.expected.at(place);
    const auto all = TRY(repository.snapshots());
    std::vector<std::string> gone;
    for (std::size_t at = 0; at + 1 < all.size(); ++at)
      gone.push_back(all[at].id.hex());
    TRY(forget(repository, gone));
    for (const std::string& id : gone) {
      const auto found = expected.find(id);
      if (found != expected.end())
        expected.erase(found);
      // The one that we had made by then counts as known.
      state_.known.emplace(id, Expected{"/src", state_.source.now.describe("/src")});
    }
  }
  TRY(prune(repository, 0, false));
  return ok();
}

void Visitor::come(std::size_t place, Hurt hurt) {
  life_ = std::make_unique<Life>(state_, "there", nullptr);
  for (std::size_t each = 0; each < places; ++each) {
    if (each != place && hurt != Hurt::sleep)
      continue;
    const auto done = work(life_->open(each), each, hurt);
    if (!done && done.error().kind != ErrorKind::locked)
      broken_ = "somebody else cannot work: " + done.error().message;
  }
}

void Visitor::leave() {
  if (held_)
    CHECK(held_->release());
  held_.reset();
}

Result<> perform(State& state, const Step& step, Trouble* trouble, sim::SimFolders& live) {
  Life life{state, "here", trouble};
  switch (step.kind) {
  case Kind::backup: return back_up(life, 0, state.source, "/src", step.choice);
  case Kind::forget: return forget(life.open(step.place), step.gone);
  case Kind::prune: {
    TRY(prune(life.open(step.place), step.choice % 2 == 0 ? 0.0 : 0.2, false));
    return ok();
  }
  case Kind::copy: return copy(life, step.choice);
  case Kind::repair:
  case Kind::mend: {
    TRY(repair(life.open(step.place), step.choice % 2 == 0));
    return ok();
  }
  case Kind::restore:
    return restore(life.open(step.place), live, step.snapshot, state.known.at(step.snapshot).below,
                   "/live", true);
  }
  return ok();
}

std::string rule_broken(State& state, const Step& step, std::uint64_t life, std::size_t place,
                        bool is_save, const FileName& name) {
  if (name.kind == FileKind::lock)
    return "";
  Life watcher{state, "watcher", nullptr};
  Repository& repository = watcher.open(place);
  if (auto wrong = lock_broken(watcher, repository, life, !is_save); !wrong.empty())
    return wrong;
  return step.kind == Kind::mend ? "" : reference_broken(repository);
}

std::string broken(State& state, const Step& step) {
  for (const std::string& id : step.gone)
    state.expected.at(step.place).erase(id);
  for (std::size_t place = 0; place < places; ++place)
    if (auto wrong = place_broken(state, place, step); !wrong.empty())
      return "place " + std::to_string(place) + ": " + wrong;
  return "";
}

std::string outcome_broken(State& state, const Step& step) {
  Life life{state, "here", nullptr};
  Repository& repository = life.open(step.place);
  const auto all = repository.snapshots().value();
  switch (step.kind) {
  case Kind::backup: {
    const auto ours = std::ranges::find(all.rbegin(), all.rend(), "here", &Snapshot::host);
    if (ours == all.rend() ||
        state.known.at(ours->id.hex()).tree != state.source.now.describe("/src"))
      return "the newest snapshot is not what was there";
    return "";
  }
  case Kind::forget:
    for (const Snapshot& each : all)
      if (std::ranges::find(step.gone, each.id.hex()) != step.gone.end())
        return "what was to be forgotten is there";
    return "";
  case Kind::prune: {
    const auto again = prune(repository, step.choice % 2 == 0 ? 0.0 : 0.2, true).value();
    return again.packs_removed + again.packs_repacked != 0 ? "not all was pruned" : "";
  }
  case Kind::copy: {
    const auto copies = life.open(1).snapshots().value();
    for (const Snapshot& each : all)
      if (std::ranges::find(step.copied, each.id.hex()) != step.copied.end() &&
          std::ranges::none_of(copies, [&](const auto& copy) { return copy.original == each.id; }))
        return "snapshot " + repo::short_id(each.id) + " was not copied";
    return "";
  }
  case Kind::repair:
  case Kind::mend: {
    const auto again = repair(repository, true).value();
    if (!again.found.empty() || again.index_files_written + again.index_files_removed != 0)
      return "there is something left to repair";
    return place_broken(state, step.place, {});
  }
  case Kind::restore:
    if (state.live.now.describe("/live") != state.known.at(step.snapshot).tree)
      return "the target is not the snapshot:\n" + state.known.at(step.snapshot).tree + "is\n" +
             state.live.now.describe("/live");
    return "";
  }
  return "";
}

std::string losses(State& state) {
  for (std::size_t place = 0; place < places; ++place)
    for (const auto& [id, expected] : state.expected.at(place))
      if (auto wrong = not_given_back(state, place, id); !wrong.empty())
        return wrong;
  return "";
}

} // namespace repo_sim
