// The watch: after the new release passed its gates, and before the commit, trigger rules look on.

#include "base/text.hpp"
#include "engine/gate.hpp"
#include "engine/judging.hpp"
#include "engine/steps.hpp"
#include "engine/trigger.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <utility>

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

// An operator who accepts or gives up waits no longer, however rarely is measured.
constexpr Milliseconds asked_every{500};
// Nor does a way back from what has died. Asking a container engine is not free.
constexpr Milliseconds alive_every{2'000};

struct WatchedRule {
  domain::TriggerRule rule;
  std::optional<Milliseconds> since; // what it waits for holds since then
  bool was_reported = false;         // a warning is said once
};

struct Watched {
  domain::ProbeSpec probe;
  const domain::CheckSpec* check = nullptr;
  std::vector<WatchedRule> rules;
  KeptReading last;
  bool was_judged = false; // there was a reading that says something
};

// While it holds, the watch does not end well.
bool is_open(const WatchedRule& watched) {
  return watched.since && watched.rule.severity == domain::Severity::critical;
}

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
    bool has_failing_for = false;
    for (const auto& rule : stack.triggers) {
      if (rule.probe != watched.probe.name)
        continue;
      watched.rules.push_back({.rule = rule});
      has_failing_for = has_failing_for || !rule.is_numeric();
    }
    if (!has_failing_for)
      watched.rules.push_back(
          {.rule = {.name = "not ok: " + watched.probe.name,
                    .probe = watched.probe.name,
                    .failing_for = std::max(forgiven_default, 3 * stack.upgrade.watch_every)}});
  }
  return all;
}

class Watch {
public:
  Watch(Context& context, Record& out) : context_{context}, out_{out}, judging_{context, out} {}

  Result<> run() {
    auto result = look_on();
    judging_.seal();
    return result;
  }

private:
  Result<> look_on() {
    const domain::UpgradePolicy& policy = context_.settings.stack.upgrade;
    context_.drivers.probe.start_over();
    TRY(remember_starts());
    TRY(judging_.begin());
    Milliseconds next{0};
    Milliseconds alive_next{0};
    const auto begun = context_.world.clock.monotonic();
    for (;;) {
      if (context_.world.clock.stop_requested())
        return Error{ErrorKind::interrupted, "interrupted during the watch",
                     "Run 'belay resume' to go on, or 'belay abort' to go back."};
      if (TRY(context_.folder.is_requested(context_.plan.operation, "abort")))
        return Error{ErrorKind::failed, "the operator asked to go back", ""};
      auto elapsed = context_.world.clock.monotonic() - begun;
      const bool is_due = elapsed >= next || elapsed >= policy.watch; // a round of measurements
      if (is_due || elapsed >= alive_next) {
        TRY(look_at_processes());
        alive_next = elapsed + alive_every;
      }
      if (is_due) {
        TRY(look_at_probes());
        elapsed = context_.world.clock.monotonic() - begun;
        next = elapsed + policy.watch_every;
        context_.progress()(static_cast<std::uint64_t>(std::min(elapsed, policy.watch).count()),
                            static_cast<std::uint64_t>(policy.watch.count()));
      }
      TRY(judging_.tick(elapsed));
      const bool is_failing = std::ranges::any_of(
          watched_, [](const Watched& each) { return std::ranges::any_of(each.rules, is_open); });
      if (TRY(context_.folder.is_requested(context_.plan.operation, "commit"))) {
        out_.text =
            "accepted by the operator after " + base::format_duration(elapsed) + judging_.told();
        return ok();
      }
      // While something is failing the watch goes on: its rule fires, or it gets well.
      if (elapsed >= policy.watch && !is_failing) {
        tell_unjudged();
        out_.text = std::to_string(looks_) + " looks in " + base::format_duration(elapsed) +
                    ", no trigger fired";
        if (warnings_ > 0)
          out_.text += " but " + std::to_string(warnings_) + " that only warn";
        out_.text += judging_.told();
        return ok();
      }
      context_.world.clock.sleep_for(
          std::min(asked_every, judging_.pause(elapsed, next - elapsed)));
    }
  }

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
      const KeptReading* baseline = find_reading(context_.baseline, watched.probe.name);
      watched.last = keep(reading);
      watched.was_judged = watched.was_judged || !reading.is_pending;
      bool is_ok = reading.verdict == Verdict::ok;
      if (watched.check != nullptr && !reading.is_pending) {
        const auto judged = judge_check(*watched.check, reading, baseline);
        is_ok = static_cast<bool>(judged);
        if (!judged)
          watched.last.detail = judged.error().message;
      }
      for (WatchedRule& each : watched.rules) {
        Finding found{is_ok ? Holds::no : Holds::yes, "not ok"};
        if (reading.is_pending)
          found.holds = Holds::unknown;
        else if (each.rule.is_numeric())
          found = judge_number(each.rule, reading.number, baseline);
        TRY(apply(watched, each, found, now));
      }
    }
    return ok();
  }

  // What cannot be judged neither begins nor ends anything.
  Result<> apply(const Watched& watched, WatchedRule& each, const Finding& found,
                 Milliseconds now) {
    if (found.holds == Holds::no)
      each.since.reset();
    if (found.holds != Holds::yes)
      return ok();
    each.since = each.since.value_or(now);
    const domain::TriggerRule& rule = each.rule;
    const Milliseconds lasted = now - *each.since;
    const Milliseconds limit = rule.is_numeric() ? rule.lasting : rule.failing_for;
    if (lasted < limit)
      return ok();
    const std::string text = "trigger '" + rule.name + "' fired: '" + rule.probe + "' " +
                             (rule.is_numeric() ? "at " + found.text : "was not ok") + " for " +
                             base::format_duration(lasted) + " (limit " +
                             base::format_duration(limit) + "): " + watched.last.detail;
    if (rule.severity == domain::Severity::critical) {
      out_.gates.push_back(watched.last);
      out_.level = rule.level;
      return Error{ErrorKind::failed, text, ""};
    }
    if (!std::exchange(each.was_reported, true)) {
      ++warnings_;
      out_.detail.push_back("warning: " + text);
      context_.say(world::EventKind::warning, text);
    }
    return ok();
  }

  // No data is not a good sign, nor a bad one: whoever reads the report decides.
  void tell_unjudged() {
    for (const Watched& watched : watched_)
      if (looks_ > 0 && !watched.was_judged)
        out_.detail.push_back("'" + watched.probe.name +
                              "' could not be judged during the watch: " + watched.last.detail);
  }

  Context& context_;
  Record& out_;
  Judging judging_;
  std::vector<Watched> watched_ = watched_of(context_.settings.stack);
  std::map<std::string, std::string> starts_;
  int looks_ = 0;
  int warnings_ = 0;
};

} // namespace

Result<> do_watch(Context& context, Record& out) {
  return Watch{context, out}.run();
}

} // namespace engine
