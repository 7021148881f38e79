// The machine: perform, then record durably, then move on, as the table says.

#include "base/text.hpp"
#include "engine/planning.hpp"
#include "engine/steps.hpp"

#include <utility>

namespace engine {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::EventKind;

namespace {

// Log lines are captured when a step fails, before anything is stopped.
std::vector<LogTail> capture_logs(Context& context) {
  std::vector<LogTail> logs;
  for (const auto& service : context.settings.stack.services)
    if (const auto tail = context.drivers.runtime.log_tail(service, 20);
        tail && !tail.value().empty())
      logs.push_back({service.name, base::printable(tail.value())});
  return logs;
}

class Machine {
public:
  Machine(Context& context, bool is_abort, const RunOptions& options)
      : context_{context}, is_abort_{is_abort}, until_{options.until} {}

  Result<Ended> run() {
    boot_ = TRY(context_.world.processes.self()).boot_id;
    while (!is_end(context_.state)) {
      if (!has_begun_ && context_.world.clock.stop_requested())
        return ended(Ending::interrupted, "interrupted",
                     "Run 'belay resume' to go on, or 'belay abort' to go back.");
      if (!has_begun_ && TRY(is_to_abort(context_.state))) {
        TRY(fail(Error{ErrorKind::failed, "the operator asked to go back", ""},
                 context_.record(RecordEvent::failed), false));
        continue;
      }
      if (auto stopped = TRY(step()); stopped)
        return *stopped;
    }
    return finish();
  }

  // After a crash: the journal alone is not believed. When the machine itself was restarted, what
  // should run in this state is started before it is looked at. Dying in here does it again.
  Result<> come_back() {
    const std::string boot = TRY(context_.world.processes.self()).boot_id;
    // Without any record nobody knows which boot the operation began in.
    const bool may_be_rebooted = boot != context_.last_boot;
    if (may_be_rebooted && (context_.has_ended || services_run_in(context_.state))) {
      TRY_CONTEXT(revive(context_), "start the services after the machine was restarted");
      TRY(wait_for_revived());
    }
    if (context_.has_ended || is_end(context_.state) || context_.last_boot.empty())
      return ok();
    Record record = context_.record(RecordEvent::resumed);
    record.boot = boot;
    return context_.write(record);
  }

private:
  // The step that we come back to takes services for granted that were ready before the restart.
  // Whether they become ready again is for that step to judge, not for us.
  Result<> wait_for_revived() {
    const State state = context_.state;
    if (state != State::smoke && state != State::watch && state != State::smoke_again)
      return ok();
    Record unused;
    auto ready = ready_all(context_, unused);
    if (!ready && ready.error().kind == ErrorKind::interrupted)
      return ready;
    return ok();
  }

  static bool has_stopped(State state) { return state >= State::quiesce && state <= State::start; }

  static bool can_abort(State state) {
    return state < State::commit || state == State::rollback_check;
  }

  Result<bool> is_to_abort(State state) {
    if (!can_abort(state))
      return false;
    if (is_abort_)
      return true;
    return context_.folder.is_requested(context_.plan.operation, "abort");
  }

  Result<std::optional<Ended>> step() {
    const State state = context_.state;
    const Row& row = row_of(state);
    if (!context_.is_under_way && !std::exchange(has_begun_, false))
      TRY(begin_after({}, state));
    context_.say(EventKind::step_begun, "");
    const auto begun = context_.world.clock.monotonic();
    Record out = context_.record(RecordEvent::done);
    Result<> result = ok();
    for (int attempt = 0; attempt < row.attempts; ++attempt) {
      Record fresh = context_.record(RecordEvent::done);
      result = perform_looking_twice(state, fresh);
      out = std::move(fresh);
      if (result || result.error().kind == ErrorKind::interrupted ||
          result.error().kind == ErrorKind::not_now)
        break;
    }
    out.elapsed_ms = (context_.world.clock.monotonic() - begun).count();
    out.at = base::format_time(context_.world.clock.now());
    if (!result && result.error().kind == ErrorKind::interrupted)
      return std::optional{
          TRY(ended(Ending::interrupted, result.error().message, result.error().hint))};
    if (!result && result.error().kind == ErrorKind::not_now && !has_stopped(state))
      return std::optional{TRY(ended(Ending::paused, result.error().message,
                                     "Run 'belay resume' to try again, or 'belay abort' to end it: "
                                     "nothing was stopped."))};
    if (!result)
      return failed(result.error(), std::move(out));
    context_.say(EventKind::step_done, out.text);
    for (const std::string& line : out.detail)
      context_.say(EventKind::notice, line);
    const bool is_paused = until_ == row.name && !is_end(row.on_success);
    TRY(is_paused ? context_.write(out) : done(std::move(out), row.on_success));
    if (is_paused)
      return std::optional{TRY(ended(Ending::paused, "paused after " + until_,
                                     "Run 'belay resume' to go on, or 'belay abort' to go back."))};
    return std::optional<Ended>{};
  }

  // What comes next begins with the record that ends the step before it: one write instead of two.
  // Dying right after it leaves a step that was begun and has done nothing, as always. It is not
  // begun when somebody wants to stop or to go back: the loop sees that.
  Result<> done(Record out, State next) {
    if (is_end(next)) {
      Record end = context_.record(RecordEvent::end, next);
      end.text = domain::name_of(outcome_of(next));
      return context_.write({out, end});
    }
    const auto to_abort = is_to_abort(next);
    if (context_.world.clock.stop_requested() || !to_abort || to_abort.value())
      return context_.write(out);
    return begin_after({std::move(out)}, next);
  }

  Result<> begin_after(std::vector<Record> records, State next) {
    has_begun_ = !records.empty();
    records.push_back(context_.record(RecordEvent::begin, next));
    records.back().boot = boot_;
    TRY(context_.write(records));
    context_.is_under_way = false; // we have just begun it; nobody died inside
    return ok();
  }

  // An unknown outcome is looked at again before it counts: every step observes before it acts.
  // A migration is not asked twice: nobody knows whether it may be.
  Result<> perform_looking_twice(State state, Record& out) {
    auto result = perform(context_, state, out);
    if (result || result.error().kind != ErrorKind::unknown_outcome || state == State::migrate ||
        state == State::expand)
      return result;
    context_.say(EventKind::warning, result.error().message + ": looking again");
    Record second = context_.record(RecordEvent::done);
    result = perform(context_, state, second);
    out = std::move(second);
    return result;
  }

  Result<std::optional<Ended>> failed(const Error& error, Record out) {
    const Row row = row_of(context_.state);
    const bool would_go_back = row.on_failure == State::hold;
    const bool stays = row.on_failure == State::stay ||
                       (would_go_back && !context_.plan.auto_rollback && !is_abort_);
    context_.say(EventKind::step_failed, error.message);
    if (row.on_failure == State::end_unchanged || row.on_failure == State::end_blocked)
      TRY(clean_up());
    TRY(fail(error, std::move(out), stays));
    if (!stays)
      return std::optional<Ended>{};
    if (would_go_back)
      return std::optional{
          TRY(ended(Ending::paused, error.message,
                    "Nothing goes back by itself, as you asked. 'belay resume' tries "
                    "the step again, 'belay abort' goes back."))};
    return std::optional{TRY(ended(
        Ending::needs_operator, "step '" + std::string{row.name} + "' failed: " + error.message,
        error.hint.empty()
            ? "Everything is kept. Repair the cause, then run 'belay resume': it tries "
              "this step again."
            : error.hint))};
  }

  Result<> fail(const Error& error, Record out, bool stays) {
    out.event = RecordEvent::failed;
    out.text = base::printable(error.message);
    out.hint = error.hint;
    out.stays = stays;
    out.logs = capture_logs(context_);
    return context_.write(out);
  }

  Result<> clean_up() {
    if (context_.plan.kind == state::OperationKind::rollback)
      return ok(); // its point is an older one, and stays
    if (auto cleaned = clean_up_untouched(context_); !cleaned)
      context_.say(EventKind::warning, "left-over copies stay: " + cleaned.error().message);
    return ok();
  }

  // The last record, then the mark "in progress" goes: dying in between does the second again.
  Result<Ended> finish() {
    const State end = context_.state;
    if (!context_.has_ended) {
      if (is_abort_ && end == State::end_unchanged)
        TRY(clean_up());
      Record record = context_.record(RecordEvent::end);
      record.text = domain::name_of(outcome_of(end));
      TRY(context_.write(record));
    }
    TRY(context_.folder.end_operation(context_.plan.operation));
    switch (end) {
    case State::end_committed: return ended(Ending::committed, "", "");
    case State::end_rolled_back: return ended(Ending::rolled_back, why_back(), "");
    case State::end_blocked: return ended(Ending::blocked, context_.why, "");
    default: return ended(Ending::unchanged, context_.why, "");
    }
  }

  // Of an upgrade, what failed; of a rollback, what was asked and what decided its level.
  std::string why_back() const {
    if (context_.plan.kind == state::OperationKind::upgrade)
      return context_.why;
    const auto target = context_.target();
    const std::string to =
        target && !target.value().label.empty() ? " " + target.value().label : " an earlier state";
    const std::string level{domain::name_of(context_.level)};
    if (context_.plan.level == domain::Level::restart)
      return "a restart of" + to + " was asked for";
    const std::string asked = "going back to" + to + " was asked for";
    return context_.level_why == "level " + level + " was asked for"
               ? asked + ", at level " + level
               : asked + "; level " + level + ": " + context_.level_why;
  }

  Result<Ended> ended(Ending ending, std::string why, std::string hint) {
    if (context_.settings.redact.words)
      why = context_.settings.redact.words(why);
    context_.say(EventKind::operation_ended, why);
    return Ended{ending, context_.plan.operation, std::move(why), std::move(hint)};
  }

  Context& context_;
  bool is_abort_;
  std::string until_;
  std::string boot_;       // it cannot change while we live
  bool has_begun_ = false; // the `begin` of `state` is written already
};

} // namespace

Engine::Engine(world::World world, Settings settings, Drivers drivers, state::Folder folder)
    : world_{world}, settings_{std::move(settings)}, drivers_{drivers}, folder_{std::move(folder)} {
}

Result<Ended> Engine::run(const state::Plan& plan, How how, const RunOptions& options) {
  if (!options.until.empty() && !state_named(options.until))
    return Error{ErrorKind::invalid_input, "there is no step '" + options.until + "'",
                 "The plan lists the steps."};
  Context context = TRY(Context::open(world_, settings_, drivers_, folder_, plan));
  context.say(EventKind::operation_begun, "");
  Machine machine{context, how == How::abort, options};
  if (how != How::begin)
    TRY(machine.come_back());
  return machine.run();
}

Result<Ended> Engine::apply(const state::Plan& plan, const RunOptions& options) {
  const auto lock = TRY(folder_.lock(plan.operation));
  if (const std::string other = TRY(folder_.in_progress()); !other.empty())
    return Error{ErrorKind::conflict, "operation " + other + " is in progress",
                 "End it first: 'belay resume' goes on, 'belay abort' goes back."};
  if (TRY(basis_of(world_, settings_, drivers_, folder_, plan)) != plan.basis)
    return Error{ErrorKind::conflict, "the plan is no longer true: something has changed since",
                 "Make a new plan with 'belay plan'."};
  TRY(folder_.begin_operation(plan, settings_.text));
  if (options.on_begun)
    options.on_begun();
  return run(plan, How::begin, options);
}

Result<Ended> Engine::resume(const RunOptions& options) {
  const auto lock = TRY(folder_.lock("resume"));
  const std::string id = TRY(folder_.in_progress());
  if (id.empty())
    return Error{ErrorKind::not_found, "nothing is in progress", ""};
  return run(TRY(folder_.plan_of(id)), How::resume, options);
}

Result<Ended> Engine::abort() {
  const auto lock = TRY(folder_.lock("abort"));
  const std::string id = TRY(folder_.in_progress());
  if (id.empty())
    return Error{ErrorKind::not_found, "nothing is in progress", ""};
  return run(TRY(folder_.plan_of(id)), How::abort, {});
}

} // namespace engine
