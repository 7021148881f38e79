#include "app/stack_fetch.hpp"

#include "app/bring.hpp"
#include "app/room.hpp"
#include "app/stack.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace app {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using repo::format::Snapshot;

namespace {

const char* const by_hand = "'belay restore STACK POINT --into FOLDER' gives you its data.";

class Fetching {
public:
  Fetching(const Host& host, const RepoPorts& ports, const domain::Stack& stack,
           engine::Drivers drivers, state::Folder& folder, const FetchRequest& request)
      : host_{host}, ports_{ports}, stack_{stack}, drivers_{drivers}, folder_{folder},
        request_{request} {}

  Result<> fetch(repo::Repository& repository, const Snapshot& snapshot) {
    TRY(repository.load_index());
    point_ = TRY(read_manifest(repository, snapshot));
    config_ = TRY(read_config(repository, snapshot, point_));
    TRY(can_go_back());
    TRY(find_targets());
    const auto lock = TRY(hold_stack(folder_, stack_, drivers_, "bringing " + point_.id));
    if (auto here = folder_.point(point_.id))
      here_ = std::move(here).value();
    TRY(look_at_disk());
    if (!here_)
      TRY(folder_.begin_point(point_.id));
    auto brought = repo::with_lock(repository, repo::Sharing::shared, [&](repo::Lock& in_use) {
      return bring_all(repository, in_use, snapshot);
    });
    if (!brought && !here_) // else its record still says what it cannot bring back
      if (auto gone = discard_point(folder_, stack_, drivers_, point_.id); !gone)
        notice("what was brought is left: " + gone.error().message);
    return brought;
  }

private:
  void notice(const std::string& text) const {
    if (request_.notice)
      request_.notice(text);
  }

  // What nothing that is brought can make good.
  Result<> can_go_back() {
    if (point_.stack != stack_.name)
      return Error{ErrorKind::invalid_input,
                   "restore point '" + point_.id + "' is of stack '" + point_.stack + "'", ""};
    const auto ran = TRY(folder_.generation(point_.generation));
    if (point_.generation == 0 || !ran || ran->releases != point_.releases)
      return Error{ErrorKind::failed,
                   point_.generation == 0
                       ? "nothing that was committed ran at " + point_.id +
                             ", so there is no release to go back to"
                       : "generation " + std::to_string(point_.generation) + " of " + point_.id +
                             " is not known here, so its release is not pinned here either",
                   by_hand};
    for (const domain::ServiceSpec& service : stack_.services)
      for (const domain::Release& release : point_.releases)
        if (release.service == service.name)
          if (auto whole = drivers_.runtime.verify(service, release); !whole)
            return Error{ErrorKind::failed,
                         "the release of " + point_.id + " is no longer pinned here: service '" +
                             service.name + "': " + whole.error().message,
                         by_hand};
    for (const state::ConfigCopy& copy : point_.config)
      if (std::ranges::find(stack_.config_files, copy.path) == stack_.config_files.end())
        return Error{ErrorKind::failed,
                     "config file '" + base::printable(copy.path) + "' of " + point_.id +
                         " is none of this stack's any more",
                     "Add it to `config_files:`, or: " + std::string{by_hand}};
    return ok();
  }

  Result<> find_targets() {
    for (const domain::Snapshot& stored : point_.snapshots) {
      const auto spec = std::ranges::find(stack_.stores, stored.store, &domain::StoreSpec::name);
      if (spec == stack_.stores.end()) {
        notice("store '" + base::printable(stored.store) + "' is none of this stack any more");
        continue;
      }
      std::string why;
      auto target = TRY(target_of(drivers_, stack_, *spec, stored, point_.id, why));
      if (!target)
        return Error{ErrorKind::failed,
                     "store '" + spec->name + "' cannot be brought from a repository: " + why,
                     by_hand};
      targets_.push_back(*std::move(target));
    }
    return ok();
  }

  Result<> look_at_disk() {
    Room room{host_.world.files};
    for (const BringTarget& target : targets_)
      if (is_wanted(target))
        TRY(room.need(target.kept, target.stored.bytes));
    return room.check();
  }

  // A point that gave up its copies gets just those again; all its record changes at once.
  Result<> bring_all(repo::Repository& repository, repo::Lock& lock, const Snapshot& snapshot) {
    const BringFrom from{repository, lock, snapshot, ports_.folders, request_.tell};
    point_.snapshots.clear();
    for (const BringTarget& target : targets_)
      point_.snapshots.push_back(
          is_wanted(target) ? TRY_CONTEXT(bring(from, drivers_, stack_.name, target, point_.id),
                                          "store '" + target.spec->name + "'")
                            : *kept_here(target));
    point_.note = "brought from the repository";
    return here_ ? folder_.update_point(point_) : folder_.write_point(point_, config_);
  }

  const domain::Snapshot* kept_here(const BringTarget& target) const {
    if (!here_ || std::ranges::find(here_->given_up, target.spec->name) != here_->given_up.end())
      return nullptr;
    const auto kept =
        std::ranges::find(here_->snapshots, target.spec->name, &domain::Snapshot::store);
    return kept == here_->snapshots.end() ? nullptr : &*kept;
  }
  bool is_wanted(const BringTarget& target) const { return kept_here(target) == nullptr; }

  const Host& host_;
  const RepoPorts& ports_;
  const domain::Stack& stack_;
  engine::Drivers drivers_;
  state::Folder& folder_;
  const FetchRequest& request_;
  state::RestorePoint point_;
  std::optional<state::RestorePoint> here_; // it is here, without data that it gave up
  std::vector<state::ConfigFile> config_;
  std::vector<BringTarget> targets_;
};

struct Found {
  std::unique_ptr<Depot> depot;
  Snapshot snapshot;
};

} // namespace

Result<Fetched> fetch_point(const Host& host, const RepoPorts& ports, const FetchRequest& request,
                            Trouble& trouble) {
  const config::Loaded loaded = TRY(load(host));
  const domain::Stack& stack = loaded.stack;
  TRY(check_name(loaded, request.stack));
  auto folder = TRY(state::Folder::open(host.world, stack.state_folder));
  const auto here = folder.point(request.point);
  const bool lacks_data = here && request.needs_data && !here.value().given_up.empty();
  if ((here && !lacks_data) || !stack.repository || !names_point(request.point))
    return Fetched::is_here;
  if (!here && here.error().kind != ErrorKind::not_found)
    return here.error();
  if (!request.may_fetch && lacks_data)
    return Fetched::is_here;
  const auto look_in = [&](Where where, Trouble& why) -> Result<Found> {
    Found found;
    StackPlace place = TRY(stack_place(host, stack, where, request.notice));
    place.place.traffic = request.traffic;
    found.depot = TRY(open_place(host, ports, place, why));
    found.snapshot = TRY(find_snapshot(found.depot->repository(), request.point));
    return found;
  };
  auto found = look_in(Where::first, trouble);
  if (!found && stack.repository->copy) {
    Trouble unused{};
    if (request.notice)
      request.notice(found.error().message + "; looking in the second place");
    if (auto copy = look_in(Where::copy, unused)) {
      trouble = Trouble::none;
      found = std::move(copy);
    }
  }
  if (!found && lacks_data) {
    trouble = Trouble::none;
    return Fetched::is_here;
  }
  if (!found)
    return std::move(found).error();
  if (!request.may_fetch)
    return Error{ErrorKind::invalid_input,
                 "restore point '" + request.point +
                     "' is in the repository, not here, and nobody agreed to bring it",
                 "Add --yes: it is brought beside the data."};
  const auto machinery = host.make(stack, {});
  Fetching fetching{host, ports, stack, machinery->drivers(), folder, request};
  TRY(fetching.fetch(found.value().depot->repository(), found.value().snapshot));
  return Fetched::brought;
}

} // namespace app
