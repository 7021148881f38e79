// The watch: after the new release passed its gates, and before the commit, trigger rules look on.

#include "base/text.hpp"
#include "engine/gate.hpp"
#include "engine/steps.hpp"

#include <algorithm>
#include <chrono>
#include <map>

namespace engine {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::Verdict;
using world::Milliseconds;

namespace {

// A probe that is not ok is forgiven for this long when no rule says otherwise.
constexpr Milliseconds forgiven_default{10'000};

struct Watched {
  domain::ProbeSpec probe;
  const domain::CheckSpec* check = nullptr;
  std::vector<domain::TriggerRule> rules;
  bool is_failing = false;
  Milliseconds failing_since{0};
  KeptReading last;
};

std::vector<Watched> watched_of(const domain::Stack& stack) {
  std::vector<Watched> all;
  for (const auto& service : stack.services)
    all.push_back({.probe = service.ready.probe});
  for (const auto& check : stack.checks)
    all.push_back({.probe = check.probe, .check = &check});
  // A smoke test may write, so it is asked again only when a rule wants it.
  for (const auto& smoke : stack.upgrade.smoke)
    if (std::ranges::any_of(stack.triggers, [&](const auto& r) { return r.probe == smoke.name; }))
      all.push_back({.probe = smoke});
  for (Watched& watched : all) {
    for (const auto& rule : stack.triggers)
      if (rule.probe == watched.probe.name)
        watched.rules.push_back(rule);
    if (watched.rules.empty())
      watched.rules.push_back(
          {.name = "not ok: " + watched.probe.name,
           .probe = watched.probe.name,
           .failing_for = std::max(forgiven_default, 3 * stack.upgrade.watch_every)});
  }
  return all;
}

class Watch {
public:
  Watch(Context& context, Record& out)
      : context_{context}, out_{out}, watched_{watched_of(context.settings.stack)} {}

  Result<> run() {
    const domain::UpgradePolicy& policy = context_.settings.stack.upgrade;
    TRY(remember_starts());
    const auto begun = context_.world.clock.monotonic();
    for (;;) {
      if (context_.world.clock.stop_requested())
        return Error{ErrorKind::interrupted, "interrupted during the watch",
                     "Run 'belay resume' to go on, or 'belay abort' to go back."};
      if (TRY(context_.folder.is_requested(context_.plan.operation, "abort")))
        return Error{ErrorKind::failed, "the operator asked to go back", ""};
      TRY(look_at_processes());
      TRY(look_at_probes());
      const auto elapsed = context_.world.clock.monotonic() - begun;
      const bool is_failing = std::ranges::any_of(watched_, &Watched::is_failing);
      if (TRY(context_.folder.is_requested(context_.plan.operation, "commit"))) {
        out_.text = "accepted by the operator after " + base::format_duration(elapsed);
        return ok();
      }
      // While something is failing the watch goes on: its rule fires, or it gets well.
      if (elapsed >= policy.watch && !is_failing) {
        out_.text = std::to_string(looks_) + " looks in " + base::format_duration(elapsed) +
                    ", no trigger fired";
        return ok();
      }
      context_.progress()(static_cast<std::uint64_t>(std::min(elapsed, policy.watch).count()),
                          static_cast<std::uint64_t>(policy.watch.count()));
      context_.world.clock.sleep_for(policy.watch_every);
    }
  }

private:
  Result<> remember_starts() {
    for (const auto& service : context_.settings.stack.services)
      starts_[service.name] = TRY(context_.drivers.runtime.observe(service)).start_id;
    return ok();
  }

  // A process that ended, or is another one than before, needs no forgiving: nobody restarts it.
  Result<> look_at_processes() {
    for (const auto& service : context_.settings.stack.services) {
      const auto observed = TRY(context_.drivers.runtime.observe(service));
      if (!observed.is_running || observed.start_id != starts_[service.name])
        return Error{ErrorKind::failed,
                     "service '" + service.name + "' " +
                         (observed.is_running ? "was restarted" : "has ended") +
                         " during the watch" +
                         (observed.detail.empty() ? "" : ": " + base::printable(observed.detail)),
                     ""};
    }
    return ok();
  }

  Result<> look_at_probes() {
    ++looks_;
    for (Watched& watched : watched_) {
      const domain::Reading reading = context_.drivers.probe.measure(watched.probe);
      const auto now = context_.world.clock.monotonic();
      watched.last = keep(reading);
      bool is_ok = reading.verdict == Verdict::ok;
      if (watched.check != nullptr) {
        const auto judged = judge_check(*watched.check, reading,
                                        find_reading(context_.baseline, watched.probe.name));
        is_ok = static_cast<bool>(judged);
        if (!judged)
          watched.last.detail = judged.error().message;
      }
      if (is_ok) {
        watched.is_failing = false;
        continue;
      }
      if (!watched.is_failing)
        watched.failing_since = now;
      watched.is_failing = true;
      TRY(apply_rules(watched, now - watched.failing_since));
    }
    return ok();
  }

  Result<> apply_rules(const Watched& watched, Milliseconds failing) {
    for (const auto& rule : watched.rules) {
      if (failing < rule.failing_for)
        continue;
      out_.gates.push_back(watched.last);
      out_.level = rule.level;
      return Error{ErrorKind::failed,
                   "trigger '" + rule.name + "' fired: '" + rule.probe + "' was not ok for " +
                       base::format_duration(failing) + " (limit " +
                       base::format_duration(rule.failing_for) + "): " + watched.last.detail,
                   ""};
    }
    return ok();
  }

  Context& context_;
  Record& out_;
  std::vector<Watched> watched_;
  std::map<std::string, std::string> starts_;
  int looks_ = 0;
};

} // namespace

Result<> do_watch(Context& context, Record& out) {
  return Watch{context, out}.run();
}

} // namespace engine
