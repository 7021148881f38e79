// Trial, the promises of a store. What is really in the data is looked at without the driver.
#include "app/trial.hpp"
#include "base/text.hpp"

namespace app {

using base::ErrorKind;
using base::ok;
using base::Result;
using domain::Movement;
using world::Milliseconds;

Result<> Trial::change() {
  ++changes_;
  if (options_.change.empty()) {
    const std::string data = options_.folder + "/data";
    const std::string number = std::to_string(changes_);
    TRY(host_.world.files.create_folders(data + "/below/" + number));
    TRY(host_.world.files.replace(data + "/rows", std::string(4096, 'r') + number + "\n"));
    TRY(host_.world.files.replace(data + "/below/" + number + "/row", number + "\n"));
    return host_.world.files.remove(data + "/below/" + std::to_string(changes_ - 1) + "/row");
  }
  world::Command command;
  command.argv = {options_.change};
  command.working_folder = options_.folder;
  const auto output = TRY(host_.world.processes.run(command));
  if (output.exit_code != 0)
    return broken("'" + options_.change + "' ended with exit status " +
                  std::to_string(output.exit_code));
  return ok();
}

Result<std::string> Trial::look() {
  if (options_.look.empty()) {
    const std::string data = options_.folder + "/data";
    if (!TRY(host_.world.files.info(data)))
      return std::string{"nothing"};
    return host_.world.trees.digest(data);
  }
  world::Command command;
  command.argv = {options_.look};
  command.working_folder = options_.folder;
  const auto output = TRY(host_.world.processes.run(command));
  if (output.exit_code != 0)
    return broken("'" + options_.look + "' ended with exit status " +
                  std::to_string(output.exit_code));
  return output.out;
}

Result<> Trial::looks_like(const std::string& wanted, const std::string& when) {
  if (TRY(look()) != wanted)
    return broken(when + " the data is not what it must be");
  return ok();
}

void Trial::capture(domain::Store& store) {
  const domain::StoreSpec data = spec(not_killed);
  promise("inspects its data", [&]() -> Result<> {
    const auto state = TRY(store.inspect(data));
    if (!state.problems.empty())
      return broken("it has a problem: " + state.problems.front());
    return ok();
  });
  promise("protects, again, and secures what can be verified", [&]() -> Result<> {
    TRY(store.protect(data, "p-1", {}));
    TRY(change());
    TRY(store.protect(data, "p-1", {}));
    TRY(change());
    before_ = TRY(look());
    snapshot_ = TRY(store.secure(data, "p-1", {})).snapshot;
    TRY(store.verify(data, snapshot_, world::Depth::quick));
    return looks_like(before_, "after 'secure'");
  });
  promise("secures without an earlier protect, and again, with the same digest", [&]() -> Result<> {
    const auto other = TRY(store.secure(data, "p-2", {})).snapshot;
    const auto again = TRY(store.secure(data, "p-2", {})).snapshot;
    if (again.digest != other.digest || other.digest != snapshot_.digest)
      return broken("the same data has another digest");
    return ok();
  });
  promise("does not verify a copy with another digest", [&] {
    domain::Snapshot other = snapshot_;
    other.digest += "0";
    return refused(store.verify(data, other, world::Depth::full), "it does");
  });
  promise("does not restore a copy with another digest", [&]() -> Result<> {
    domain::Snapshot other = snapshot_;
    other.digest += "0";
    TRY(refused(store.restore(data, other, "a-0"), "it does"));
    return looks_like(before_, "after that");
  });
  promise("tells from evidence whether something moved", [&]() -> Result<> {
    if (TRY(store.evidence(data, snapshot_)).movement != Movement::none)
      return broken("it says that something moved, and nothing did");
    TRY(change());
    after_ = TRY(look());
    if (after_ == before_)
      return broken("the change is not seen by --look: nothing can be tried");
    if (TRY(store.evidence(data, snapshot_)).movement == Movement::none)
      return broken("it says that nothing moved, and something did");
    return ok();
  });
}

void Trial::bring_back(domain::Store& store) {
  const domain::StoreSpec data = spec(not_killed);
  promise("restores exactly what was secured", [&]() -> Result<> {
    abandoned_ = TRY(store.restore(data, snapshot_, "a-1"));
    if (abandoned_.differences == 0)
      return broken("it counts no difference, and there is one");
    return looks_like(before_, "after 'restore'");
  });
  promise("changes nothing when it is asked to restore again", [&]() -> Result<> {
    if (TRY(store.restore(data, snapshot_, "a-1")).kept != abandoned_.kept)
      return broken("it answers another 'kept'");
    TRY(looks_like(before_, "after it"));
    TRY(change()); // as the service does, when it was started again
    const std::string since = TRY(look());
    TRY(store.restore(data, snapshot_, "a-1"));
    return looks_like(since, "after something was written, and it was asked again,");
  });
  promise("exports what the restore swapped out", [&]() -> Result<> {
    const std::string into = scratch_ + "/exported";
    TRY(store.export_written(data, abandoned_, into));
    if (TRY(host_.world.files.list(into)).empty())
      return broken("the folder is empty");
    return ok();
  });
  promise("brings back what the restore swapped out", [&]() -> Result<> {
    const auto adopted = TRY(store.adopt(data, abandoned_));
    TRY(store.verify(data, adopted, world::Depth::full));
    TRY(store.restore(data, adopted, "a-2"));
    return looks_like(after_, "after it");
  });
}

void Trial::kill_capture_and_restore(domain::Store& store) {
  const domain::StoreSpec data = spec(not_killed);
  promise("secures after it was killed in the middle", [&]() -> Result<> {
    auto result = ok();
    const auto times = moments(
        [&]() -> Result<> {
          TRY(store.secure(data, "p-3", {}));
          return ok();
        },
        result);
    TRY(std::move(result));
    for (const Milliseconds time : times) {
      TRY(store.discard(data, "p-3"));
      TRY(change());
      const auto killed = machinery(time);
      (void)killed->drivers().of(data.kind).secure(spec(time), "p-3", {});
      TRY_CONTEXT(store.secure(data, "p-3", {}), "killed after " + base::format_duration(time));
    }
    return ok();
  });
  promise("ends a restore that was killed in the middle, old and new both kept", [&]() -> Result<> {
    Milliseconds took{0};
    for (int n = 0; n <= 5; ++n) { // the first one is not killed: it tells how long
      const std::string number = std::to_string(n);
      const auto secured = TRY(store.secure(data, "p-k" + number, {})).snapshot;
      const std::string then = TRY(look());
      TRY(change());
      const std::string since = TRY(look());
      const Milliseconds time = std::max(Milliseconds{1}, took * n / 6);
      const auto killed = machinery(time);
      if (n > 0)
        (void)killed->drivers().of(data.kind).restore(spec(time), secured, "a-k" + number);
      const auto begun = host_.world.clock.monotonic();
      const auto gone = TRY(store.restore(data, secured, "a-k" + number));
      if (n == 0)
        took = host_.world.clock.monotonic() - begun;
      const std::string when = "killed after " + base::format_duration(time) + ", then ";
      TRY(looks_like(then, when + "ended,"));
      const auto adopted = TRY(store.adopt(data, gone));
      TRY(store.restore(data, adopted, "a-b" + number));
      TRY(looks_like(since, when + "taken back,"));
    }
    return ok();
  });
}

void Trial::let_copies_go(domain::Store& store) {
  const domain::StoreSpec data = spec(not_killed);
  promise("discards a copy, and again", [&]() -> Result<> {
    const auto secured = TRY(store.secure(data, "p-9", {})).snapshot;
    const std::string now = TRY(look());
    TRY(store.discard(data, "p-9"));
    TRY(store.discard(data, "p-9"));
    TRY(refused(store.verify(data, secured, world::Depth::full), "'verify' still finds it"));
    TRY(refused(store.restore(data, secured, "a-9"), "'restore' still finds it"));
    return looks_like(now, "after it");
  });
}

void Trial::store() {
  const auto driven = machinery(not_killed);
  domain::Store& store = driven->drivers().of(domain::StoreKind::exec);
  const int broken_before = tried_.broken;
  capture(store);
  if (tried_.broken > broken_before)
    return;
  bring_back(store);
  kill_capture_and_restore(store);
  let_copies_go(store);
}

} // namespace app
