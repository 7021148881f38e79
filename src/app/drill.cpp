#include "app/drill.hpp"

#include "app/bring.hpp"
#include "app/room.hpp"
#include "app/stack.hpp"
#include "base/text.hpp"
#include "state/routines.hpp"

#include <algorithm>

namespace app {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

class Drilling {
public:
  Drilling(const Host& host, const RepoPorts& ports, const domain::Stack& stack,
           engine::Drivers drivers, state::Folder& folder, const DrillRequest& request)
      : host_{host}, ports_{ports}, stack_{stack}, drivers_{drivers}, folder_{folder},
        request_{request} {}

  Result<Drilled> drill(repo::Repository& repository, const repo::format::Snapshot& snapshot) {
    TRY(repository.load_index());
    done_.location = repository.backend().location();
    done_.point = TRY(read_manifest(repository, snapshot));
    if (done_.point.stack != stack_.name)
      return Error{ErrorKind::invalid_input,
                   "restore point '" + done_.point.id + "' is of stack '" +
                       base::printable(done_.point.stack) + "'",
                   ""};
    done_.config_files = TRY(read_config(repository, snapshot, done_.point)).size();
    const auto began = host_.world.clock.now();
    id_ = "p-" + base::compact_time(began) + "-" + host_.world.random.hex(4);
    TRY(find_targets());
    const auto lock = TRY(hold_stack(folder_, stack_, drivers_, "a drill of " + done_.point.id));
    TRY(look_at_disk());
    TRY(folder_.begin_point(id_)); // so that whoever comes after our death removes the copies
    auto brought = repo::with_lock(repository, repo::Sharing::shared, [&](repo::Lock& in_use) {
      return bring_all({repository, in_use, snapshot, ports_.folders, request_.tell});
    });
    auto gone = discard_point(folder_, stack_, drivers_, id_);
    TRY(brought);
    TRY_CONTEXT(gone, "what was brought for the drill is left");
    if (done_.is_whole())
      TRY(remember(began));
    return std::move(done_);
  }

private:
  Result<> find_targets() {
    for (const domain::Snapshot& stored : done_.point.snapshots) {
      DrilledStore& store = done_.stores.emplace_back();
      store.name = stored.store;
      const auto spec = std::ranges::find(stack_.stores, stored.store, &domain::StoreSpec::name);
      if (spec == stack_.stores.end())
        store.left_out = "it is none of this stack any more";
      else if (auto target = TRY(target_of(drivers_, stack_, *spec, stored, id_, store.left_out)))
        targets_.push_back(*std::move(target));
    }
    if (!targets_.empty() || done_.stores.empty())
      return ok();
    return Error{ErrorKind::failed,
                 "no store of " + done_.point.id + " can be brought here: '" +
                     base::printable(done_.stores.front().name) +
                     "': " + done_.stores.front().left_out,
                 "'belay restore STACK POINT --into FOLDER' gives you its data."};
  }

  Result<> look_at_disk() {
    Room room{host_.world.files};
    for (const BringTarget& target : targets_)
      TRY(room.need(target.kept, target.stored.bytes));
    return room.check();
  }

  Result<> bring_all(const BringFrom& from) {
    for (const BringTarget& target : targets_)
      TRY_CONTEXT(bring_one(from, target), "store '" + target.spec->name + "'");
    return ok();
  }

  Result<> bring_one(const BringFrom& from, const BringTarget& target) {
    DrilledStore& store = *std::ranges::find(done_.stores, target.spec->name, &DrilledStore::name);
    world::Clock& clock = host_.world.clock;
    const auto began = clock.monotonic();
    const auto kept = TRY(bring(from, drivers_, stack_.name, target, id_));
    store.brought = clock.monotonic() - began;
    if (request_.tell)
      request_.tell({.text = "proving store '" + store.name + "'", .done = 0, .total = 0});
    TRY(drivers_.of(target.spec->kind).prove(*target.spec, kept));
    store.proved = clock.monotonic() - began - store.brought;
    store.files = kept.files;
    store.bytes = kept.bytes;
    done_.took += store.brought + store.proved;
    return ok();
  }

  Result<> remember(world::TimePoint began) {
    state::LastDrill last{.at = began, .point = done_.point.id, .location = done_.location};
    for (const DrilledStore& store : done_.stores)
      last.bytes += store.bytes;
    last.took_ms = static_cast<std::uint64_t>(done_.took.count());
    return state::write_last_drill(host_.world.files, folder_.path(), last);
  }

  const Host& host_;
  const RepoPorts& ports_;
  const domain::Stack& stack_;
  engine::Drivers drivers_;
  state::Folder& folder_;
  const DrillRequest& request_;
  std::string id_; // of the copies
  std::vector<BringTarget> targets_;
  Drilled done_;
};

} // namespace

bool Drilled::is_whole() const {
  return std::ranges::all_of(stores, &std::string::empty, &DrilledStore::left_out);
}

Result<Drilled> drill(const Host& host, const RepoPorts& ports, const DrillRequest& request,
                      Trouble& trouble) {
  const config::Loaded loaded = TRY(load(host));
  const domain::Stack& stack = loaded.stack;
  TRY(check_name(loaded, request.stack));
  auto folder = TRY(state::Folder::open(host.world, stack.state_folder));
  if (!stack.repository)
    return Error{ErrorKind::invalid_input, "belay.yaml names no repository to bring back from",
                 "Add `repository: { path: ..., password: file:... }`."};
  StackPlace place = TRY(stack_place(host, stack, request.where, request.notice));
  place.place.traffic = request.traffic;
  const auto depot = TRY(open_place(host, ports, place, trouble));
  repo::Repository& repository = depot->repository();
  std::string point = request.point;
  if (point.empty()) {
    const auto points = stored_points(TRY(repository.snapshots()), stack.name);
    if (points.empty())
      return Error{ErrorKind::not_found,
                   "there is no restore point of '" + stack.name + "' in '" +
                       repository.backend().location() + "' yet",
                   "Take one: 'belay backup'."};
    point = points.back().id;
  }
  if (!names_point(point))
    return Error{ErrorKind::invalid_input, "'" + point + "' is no restore point",
                 "List them with 'belay points'."};
  const auto snapshot = TRY(find_snapshot(repository, point));
  const auto machinery = host.make(stack, {});
  Drilling drilling{host, ports, stack, machinery->drivers(), folder, request};
  return drilling.drill(repository, snapshot);
}

} // namespace app
