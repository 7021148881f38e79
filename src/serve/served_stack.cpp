#include "serve/served_stack.hpp"

#include "base/text.hpp"
#include "serve/routine_run.hpp"

#include <algorithm>
#include <array>

namespace serve {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using state::RoutineOutcome;
using world::TimePoint;

namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""s;

// In this order when several are due.
constexpr std::array<const char*, 5> names{"resume", "backup", "retention", "verify", "drill"};

std::uint64_t seed_of(const std::string& text) { // FNV-1a, 64 bits
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

} // namespace

schedule::Timing timing_of(const domain::TimingSpec& spec) {
  schedule::Timing timing{
      .cron = {}, .every = spec.every, .zone = spec.zone, .jitter = spec.jitter};
  if (!spec.cron.empty()) {
    auto cron = schedule::parse_cron(spec.cron);
    CHECK(cron);
    timing.cron = std::move(cron).value();
  }
  return timing;
}

std::string words_of(const domain::TimingSpec& timing) {
  if (!timing.cron.empty())
    return timing.cron + " " + timing.zone;
  std::string text = "every ";
  auto left = timing.every;
  const auto take = [&](world::Milliseconds unit, const char* name) {
    if (const auto count = left / unit; count > 0)
      text += std::to_string(count) + name;
    left %= unit;
  };
  take(24h, "d");
  take(1h, "h");
  take(1min, "m");
  take(1s, "s");
  return text;
}

std::optional<world::Milliseconds> age_max_of(const schedule::Timing& timing, TimePoint now) {
  if (!timing.cron)
    return timing.every * 2 + timing.jitter;
  const auto first = schedule::next_time(*timing.cron, timing.zone, now);
  const auto second = first ? schedule::next_time(*timing.cron, timing.zone, *first) : first;
  if (!second)
    return std::nullopt;
  return std::chrono::duration_cast<world::Milliseconds>(*second - *first) * 2 + timing.jitter;
}

std::optional<world::Milliseconds> age_max_of(const domain::Stack& stack, TimePoint now) {
  if (!stack.backup)
    return std::nullopt;
  return stack.backup->age_max ? stack.backup->age_max
                               : age_max_of(timing_of(stack.backup->timing), now);
}

ServedStack::ServedStack(app::Host host, std::string program, Tell tell)
    : host_{std::move(host)}, program_{std::move(program)}, tell_{std::move(tell)},
      name_{host_.config_path} {}

RoutinePlace ServedStack::place() const {
  return {host_, program_, loaded_->stack.state_folder, loaded_->stack.project_folder};
}

Result<> ServedStack::write(const state::RoutineRecord& record) {
  return state::write_routine(host_.world.files, loaded_->stack.state_folder, record);
}

bool ServedStack::has_begun() const {
  const bool runs_on = !running_.empty() && running_ != "resume" && !is_operation_ownerless_;
  return has_resumed_ || runs_on || !config_problem_.empty();
}

void ServedStack::tick(bool may_begin) {
  wake_at_ = host_.world.clock.now() + look_at_all_again;
  auto looked = look();
  if (looked && may_begin && loaded_ && running_.empty())
    looked = begin_due();
  if (!looked) {
    if (config_problem_ != looked.error().message)
      tell(looked.error().message, Level::error);
    config_problem_ = looked.error().message;
    wake_at_ = host_.world.clock.now() + look_after_an_error;
  } else if (!running_.empty()) {
    wake_at_ = host_.world.clock.now() + look_at_running_again;
  } else if (!may_begin) {
    wake_at_ = host_.world.clock.now() + wait_for_a_place;
  }
}

Result<> ServedStack::look() {
  TRY(take_config());
  TRY(look_at_running());
  last_backup_ = TRY(state::read_last_backup(host_.world.files, loaded_->stack.state_folder));
  last_drill_ = TRY(state::read_last_drill(host_.world.files, loaded_->stack.state_folder));
  return look_at_operation();
}

// A belay.yaml that became wrong changes nothing but the health: what was read before goes on.
Result<> ServedStack::take_config() {
  auto text = host_.world.files.read(host_.config_path, 4U << 20U);
  if (loaded_ && text && text.value() == config_text_) {
    config_problem_.clear();
    return ok();
  }
  auto loaded = text ? app::load(host_) : Result<config::Loaded>{text.error()};
  if (!loaded) {
    if (!loaded_)
      return std::move(loaded).error();
    if (config_problem_ != loaded.error().message)
      tell("belay.yaml is not used as it is now: " + loaded.error().message, Level::error);
    config_problem_ = loaded.error().message;
    return ok();
  }
  const bool is_again = loaded_.has_value();
  loaded_ = std::move(loaded).value();
  const domain::Stack& stack = loaded_->stack;
  name_ = stack.name;
  std::map<std::string, Routine> before;
  std::swap(before, routines_);
  TRY(take_routine("resume", nullptr));
  if (stack.backup) {
    TRY(take_routine("backup", &stack.backup->timing));
    if (stack.backup->keep != domain::KeepPolicy{})
      TRY(take_routine("retention", nullptr));
    if (stack.backup->verify)
      TRY(take_routine("verify", &*stack.backup->verify));
    if (stack.backup->drill)
      TRY(take_routine("drill", &*stack.backup->drill));
  }
  for (auto& [name, routine] : before) // a routine that was taken out still ends
    if (name == running_)
      routines_.try_emplace(name, std::move(routine));
  config_text_ = std::move(text).value(); // last: what failed before here is tried again
  config_problem_.clear();
  if (is_again)
    tell("belay.yaml is read again");
  return ok();
}

Result<> ServedStack::take_routine(const std::string& name, const domain::TimingSpec* timing) {
  Routine routine;
  const auto found = TRY(state::read_routine(host_.world.files, loaded_->stack.state_folder, name));
  routine.record =
      found.value_or(state::RoutineRecord{.name = name, .since = host_.world.clock.now()});
  if (timing != nullptr) {
    routine.timing = timing_of(*timing);
    routine.when = words_of(*timing);
    if (!found && !is_looked_at_only_) // from now on it is known since when it waits
      TRY(write(routine.record));
  }
  if (routine.record.is_running() && running_.empty())
    running_ = name;
  routines_[name] = std::move(routine);
  return ok();
}

Result<> ServedStack::look_at_running() {
  if (running_.empty() || TRY(is_run_alive(place(), running_)))
    return ok();
  return finish(routines_.at(running_), status_left(place(), running_));
}

Result<> ServedStack::finish(Routine& routine, std::optional<int> status) {
  state::RoutineRecord& record = routine.record;
  TRY(end_run(place(), record, status));
  tell(words_of_end(record), level_of_end(record));
  running_.clear();
  if (record.name == "resume")
    has_resumed_ = true;
  if (record.name == "backup" && record.outcome == RoutineOutcome::success &&
      routines_.contains("retention"))
    wanted_ = "retention";
  return ok();
}

Result<> ServedStack::look_at_operation() {
  operation_ = app::in_progress(host_);
  is_operation_ownerless_ = !operation_.empty() && app::owner_at_work(host_).empty();
  return ok();
}

Result<> ServedStack::begin_due() {
  const TimePoint now = host_.world.clock.now();
  if (!has_resumed_) { // what a crash left comes before anything else
    if (operation_.empty() || !is_operation_ownerless_)
      has_resumed_ = true;
    else
      return begin(routines_.at("resume"), now);
  }
  // What was asked for by the end of another routine comes first.
  std::vector<std::string> order{names.begin(), names.end()};
  std::stable_partition(order.begin(), order.end(),
                        [&](const std::string& name) { return name == wanted_; });
  for (const std::string& name : order) {
    const auto found = routines_.find(name);
    if (found == routines_.end())
      continue;
    Routine& routine = found->second;
    find_due(routine);
    const bool is_wanted = wanted_ == name;
    if (!is_wanted && !(routine.due && routine.due->at <= now)) {
      if (routine.due)
        wake_at_ = std::min(wake_at_, routine.due->at);
      continue;
    }
    if (is_wanted)
      wanted_.clear();
    const TimePoint planned = routine.due ? routine.due->planned : now;
    if (!operation_.empty())
      return skip(routine, planned, operation_ + " is in progress");
    return begin(routine, planned);
  }
  return ok();
}

void ServedStack::find_due(Routine& routine) const {
  if (!routine.timing)
    return;
  const state::RoutineRecord& record = routine.record;
  routine.due =
      schedule::next_due(*routine.timing,
                         {.since = record.since,
                          .planned = record.planned,
                          .ended = record.ended,
                          .failures = record.failures,
                          .was_skipped = record.outcome == RoutineOutcome::skipped},
                         host_.world.clock.now(), seed_of(loaded_->stack.name + ":" + record.name));
}

Result<> ServedStack::read_only() {
  is_looked_at_only_ = true;
  TRY(take_config());
  last_backup_ = TRY(state::read_last_backup(host_.world.files, loaded_->stack.state_folder));
  last_drill_ = TRY(state::read_last_drill(host_.world.files, loaded_->stack.state_folder));
  for (auto& [name, routine] : routines_)
    find_due(routine);
  return look_at_operation();
}

Result<StackView> remembered(const app::Host& host) {
  ServedStack stack{host, "", [](const Line&) {}};
  TRY(stack.read_only());
  return stack.view();
}

Result<> ServedStack::skip(Routine& routine, TimePoint planned, const std::string& why) {
  if (routine.record.outcome != RoutineOutcome::skipped)
    tell(routine.record.name + " put off: " + why, Level::warning);
  return skip_run(place(), routine.record, planned, why);
}

// The command of a routine; empty: there is nothing to do.
Result<std::vector<std::string>> ServedStack::arguments_of(const std::string& name) const {
  if (name == "resume")
    return std::vector<std::string>{"resume"};
  if (name == "backup")
    return std::vector<std::string>{"backup"};
  if (name == "retention")
    return std::vector<std::string>{"forget", "--stack"};
  if (!last_backup_)
    return std::vector<std::string>{};
  if (name == "drill")
    return std::vector<std::string>{"drill", "--point", last_backup_->point};
  return std::vector<std::string>{"verify", last_backup_->point};
}

Result<> ServedStack::begin(Routine& routine, TimePoint planned) {
  const std::string& name = routine.record.name;
  const auto arguments = TRY(arguments_of(name));
  if (arguments.empty())
    return skip(routine, planned, "there is no restore point yet");
  std::vector<std::string> argv{"--config", host_.config_path, "--json"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  if (name == "resume")
    has_resumed_ = false;
  const bool has_begun = TRY(begin_run(place(), routine.record, planned, argv));
  running_ = name;
  tell(name + " begins");
  return has_begun ? ok() : finish(routine, 1);
}

StackView ServedStack::view() const {
  StackView view;
  view.stack = name_;
  view.config_path = host_.config_path;
  view.config_problem = config_problem_;
  view.last_backup = last_backup_;
  view.last_drill = last_drill_;
  view.operation = operation_;
  view.is_abandoned_by_owner = is_operation_ownerless_ && running_ != "resume";
  if (!loaded_)
    return view;
  view.has_schedule = loaded_->stack.backup.has_value();
  view.has_copy = loaded_->stack.repository && loaded_->stack.repository->copy;
  view.age_max = age_max_of(loaded_->stack, host_.world.clock.now());
  for (const char* name : names)
    if (const auto found = routines_.find(name);
        found != routines_.end() && (found->second.timing || found->second.record.began ||
                                     std::string_view{name} == "retention")) {
      const Routine& routine = found->second;
      RoutineView shown{.record = routine.record, .when = routine.when, .next = {}};
      if (routine.due && !routine.record.is_running())
        shown.next = routine.due->at;
      if (shown.record.name == "backup")
        view.since = routine.record.since;
      view.routines.push_back(std::move(shown));
    }
  return view;
}

} // namespace serve
