// Trial, the promises of a runtime.
#include "app/trial.hpp"
#include "base/text.hpp"

#include <set>

namespace app {

using base::ErrorKind;
using base::ok;
using base::Result;
using world::Milliseconds;

Result<> Trial::runs(domain::Runtime& runtime, const domain::Release& release) {
  const auto observed = TRY(runtime.observe(service(not_killed)));
  if (!observed.is_running)
    return broken("'observe' says that it does not run: " + observed.detail);
  if (observed.release_folder != release.folder)
    return broken("'observe' says that '" + observed.release_folder + "' runs, not '" +
                  release.folder + "'");
  // Where its processes are on this machine, and have the environment of `start`, they are seen.
  std::set<std::string> starts;
  for (const auto& process :
       TRY(host_.world.processes.find(scratch_ + "/none", "BELAY_NAME", name_)))
    for (const auto& [key, value] : process.tags)
      if (key == "BELAY_START")
        starts.insert(value);
  if (starts.size() > 1)
    return broken("it runs " + std::to_string(starts.size()) + " times");
  return ok();
}

Result<> Trial::is_stopped(domain::Runtime& runtime) {
  if (TRY(runtime.observe(service(not_killed))).is_running)
    return broken("'observe' says that it runs");
  const auto left = TRY(host_.world.processes.find(scratch_ + "/none", "BELAY_NAME", name_));
  if (!left.empty())
    return broken("pid " + std::to_string(left.front().id.pid) + " is left");
  return ok();
}

void Trial::prepare_releases(domain::Runtime& runtime) {
  const domain::ServiceSpec spec = service(not_killed);
  const std::string& one = options_.labels[0];
  const std::string& two = options_.labels[1];
  promise("does not run, and has no current release, before the first switch", [&]() -> Result<> {
    if (const auto current = TRY(runtime.current_folder(spec)))
      return broken("'current' is '" + *current + "'");
    return is_stopped(runtime);
  });
  promise("says whether a release can be prepared", [&]() -> Result<> {
    TRY(runtime.can_prepare(spec, one));
    return refused(runtime.can_prepare(spec, "no-such-release-" + name_),
                   "it says that a release that is not there can be");
  });
  promise("prepares a release, and the same again", [&]() -> Result<> {
    first_ = TRY(runtime.prepare(spec, one));
    if (!(TRY(runtime.prepare(spec, one)) == first_))
      return broken("'prepare' answered another id or digest the second time");
    return ok();
  });
  promise("does not verify a release with another digest", [&] {
    domain::Release other = first_;
    other.digest += "0";
    return refused(runtime.verify(spec, other), "it does");
  });
  promise("prepares a release after it was killed in the middle", [&]() -> Result<> {
    auto result = ok();
    const auto times = moments(
        [&]() -> Result<> {
          second_ = TRY(runtime.prepare(spec, two));
          return ok();
        },
        result);
    TRY(std::move(result));
    for (const Milliseconds time : times) {
      TRY(runtime.discard(spec, second_));
      const auto killed = machinery(time);
      (void)killed->drivers().runtime.prepare(service(time), two);
      const auto again = TRY(runtime.prepare(spec, two));
      if (again.digest != second_.digest)
        return broken("killed after " + base::format_duration(time) +
                      ", then prepared again, it has another digest");
      second_ = again;
    }
    if (second_.folder == first_.folder)
      return broken("both releases have the id '" + first_.folder + "'");
    return runtime.verify(spec, first_);
  });
}

void Trial::start_and_stop(domain::Runtime& runtime) {
  const domain::ServiceSpec spec = service(not_killed);
  promise("starts the release that it was switched to", [&]() -> Result<> {
    TRY(runtime.switch_to(spec, first_));
    TRY(runtime.switch_to(spec, first_));
    TRY(runtime.start(spec));
    return runs(runtime, first_);
  });
  promise("does nothing when it is started again", [&]() -> Result<> {
    const auto before = TRY(runtime.observe(spec));
    TRY(runtime.start(spec));
    if (TRY(runtime.observe(spec)).start_id != before.start_id)
      return broken("it was started anew");
    return runs(runtime, first_);
  });
  promise("lets it run when it is switched, and starts no other beside it", [&]() -> Result<> {
    TRY(runtime.switch_to(spec, second_));
    TRY(runs(runtime, first_));
    TRY(refused(runtime.start(spec), "'start' ended well although another release runs"));
    return runs(runtime, first_);
  });
  promise("answers with its log", [&]() -> Result<> {
    TRY(runtime.log_tail(spec, 20));
    return ok();
  });
  promise("holds and lets go, each twice", [&]() -> Result<> {
    TRY(runtime.hold(spec));
    TRY(runtime.hold(spec));
    TRY(runtime.let_go(spec));
    return runtime.let_go(spec);
  });
  promise("stops it, and again", [&]() -> Result<> {
    TRY(runtime.stop(spec));
    TRY(is_stopped(runtime));
    TRY(runtime.stop(spec));
    return is_stopped(runtime);
  });
}

void Trial::kill_start_and_stop(domain::Runtime& runtime) {
  const domain::ServiceSpec spec = service(not_killed);
  promise("starts once after 'start' was killed in the middle", [&]() -> Result<> {
    auto result = ok();
    const auto times = moments([&] { return runtime.start(spec); }, result);
    TRY(std::move(result));
    std::string last = TRY(runtime.observe(spec)).start_id;
    for (const Milliseconds time : times) {
      TRY(runtime.stop(spec));
      const auto killed = machinery(time);
      (void)killed->drivers().runtime.start(service(time));
      TRY(runtime.start(spec));
      TRY_CONTEXT(runs(runtime, second_), "killed after " + base::format_duration(time));
      const std::string now = TRY(runtime.observe(spec)).start_id;
      if (now == last)
        return broken("two starts have the same 'start'");
      last = now;
    }
    return ok();
  });
  promise("stops after 'stop' was killed in the middle", [&]() -> Result<> {
    auto result = ok();
    const auto times = moments([&] { return runtime.stop(spec); }, result);
    TRY(std::move(result));
    for (const Milliseconds time : times) {
      TRY(runtime.start(spec));
      const auto killed = machinery(time);
      (void)killed->drivers().runtime.stop(service(time));
      TRY(runtime.stop(spec));
      TRY_CONTEXT(is_stopped(runtime), "killed after " + base::format_duration(time));
    }
    return ok();
  });
}

void Trial::let_releases_go(domain::Runtime& runtime) {
  const domain::ServiceSpec spec = service(not_killed);
  promise("does not discard the current release", [&]() -> Result<> {
    TRY(refused(runtime.discard(spec, second_), "it does"));
    return runtime.verify(spec, second_);
  });
  promise("discards a release, and again", [&]() -> Result<> {
    TRY(runtime.discard(spec, first_));
    TRY(runtime.discard(spec, first_));
    return refused(runtime.verify(spec, first_), "'verify' still finds it");
  });
}

void Trial::runtime() {
  const auto driven = machinery(not_killed);
  domain::Runtime& runtime = driven->drivers().runtime;
  const int broken_before = tried_.broken;
  prepare_releases(runtime);
  if (tried_.broken == broken_before) {
    start_and_stop(runtime);
    kill_start_and_stop(runtime);
    let_releases_go(runtime);
  }
  const auto left = host_.world.processes.find(scratch_ + "/none", "BELAY_NAME", name_);
  if (left)
    for (const auto& process : left.value()) // of a driver that broke its word: nothing stays
      (void)host_.world.processes.signal(process.id, world::Signal::kill);
}

} // namespace app
