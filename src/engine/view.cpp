// The view of an operation: its journal, told for people. Read-only.

#include "base/text.hpp"
#include "engine/context.hpp"

#include <algorithm>

namespace engine {

using base::Result;

namespace {

world::TimePoint time_of(const std::string& text) {
  const auto time = base::parse_time(text);
  return time ? time.value() : world::TimePoint{};
}

std::int64_t between_ms(const std::string& from, const std::string& to) {
  const auto span = time_of(to) - time_of(from);
  return std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::milliseconds>(span).count());
}

class Teller {
public:
  explicit Teller(OperationView& view) : view_{view}, state_{first_state(view.plan.kind)} {}

  void tell(const Record& record) {
    if (begun_at_.empty())
      begun_at_ = record.at;
    last_at_ = record.at;
    switch (record.event) {
    case RecordEvent::resumed: return;
    case RecordEvent::end:
      view_.has_ended = true;
      view_.outcome = domain::outcome_named(record.text);
      return;
    case RecordEvent::begin: return begin(record);
    case RecordEvent::done:
    case RecordEvent::failed: return end(record);
    }
  }

  void conclude() {
    view_.state = is_end(state_) ? "end" : std::string{row_of(state_).name};
    view_.is_way_back = view_.is_way_back || (is_way_back(state_) && !is_end(state_));
    if (!begun_at_.empty())
      view_.total_ms = between_ms(begun_at_, last_at_);
    view_.next = view_.has_ended  ? "nothing: it has ended"
                 : is_end(state_) ? "'belay resume' writes the last record"
                 : is_way_back(state_)
                     ? "'belay resume' goes on with the way back at '" + view_.state + "'"
                     : "'belay resume' goes on at '" + view_.state + "', 'belay abort' goes back";
  }

private:
  void begin(const Record& record) {
    StepRecord step;
    step.step = record.step;
    step.begun_at = record.at;
    view_.steps.push_back(step);
    if (down_since_.empty() && (record.step == "quiesce" || record.step == "hold"))
      down_since_ = record.at;
  }

  void end(const Record& record) {
    if (view_.steps.empty() || view_.steps.back().step != record.step ||
        !view_.steps.back().ended_at.empty())
      view_.steps.push_back({.step = record.step, .begun_at = record.at});
    StepRecord& step = view_.steps.back();
    step.ended_at = record.at;
    step.state =
        record.event == RecordEvent::done ? StepRecord::State::done : StepRecord::State::failed;
    step.text = record.text;
    step.elapsed_ms = record.elapsed_ms;
    step.detail = record.detail;
    take_facts(record);
    if (record.event == RecordEvent::failed)
      take_failure(record);
    const bool is_up = record.event == RecordEvent::done &&
                       (record.step == "ready" || record.step == "ready_again");
    if (is_up && !down_since_.empty()) {
      view_.downtime_ms =
          std::max<std::int64_t>(view_.downtime_ms, 0) + between_ms(down_since_, record.at);
      down_since_.clear();
    }
    advance(record);
  }

  void take_facts(const Record& record) {
    if (record.baseline)
      baseline_ = *record.baseline;
    if (record.ledgers)
      view_.ledgers = *record.ledgers;
    if (record.abandoned)
      view_.abandoned = *record.abandoned;
    if (record.step == "hold" && record.level) {
      view_.level = *record.level;
      view_.evidence.insert(view_.evidence.end(), record.detail.begin(), record.detail.end());
    }
    for (const KeptReading& gate : record.gates) {
      const auto before = std::ranges::find(baseline_, gate.probe, &KeptReading::probe);
      view_.gates.push_back(
          {record.step, gate.probe, gate.verdict, gate.detail,
           before == baseline_.end() ? "" : before->verdict + ", " + before->detail});
    }
  }

  void take_failure(const Record& record) {
    if (view_.failed_step.empty()) {
      view_.failed_step = record.step;
      view_.why = record.text;
    }
    if (view_.logs.empty())
      view_.logs = record.logs;
  }

  void advance(const Record& record) {
    state_ = skip_unknown(state_, record.step);
    if (is_end(state_) || row_of(state_).name != record.step)
      return;
    if (record.event == RecordEvent::done)
      state_ = row_of(state_).on_success;
    else
      state_ = after_failure(state_, record.stays);
    if (state_ == State::hold)
      view_.is_way_back = true;
  }

  OperationView& view_;
  State state_;
  std::vector<KeptReading> baseline_;
  std::string begun_at_;
  std::string last_at_;
  std::string down_since_;
};

} // namespace

Result<OperationView> view(world::World world, const state::Folder& folder,
                           const std::string& operation) {
  OperationView view;
  view.plan = TRY(folder.plan_of(operation));
  const auto log = TRY(journal::Journal::look(world.files, folder.journal_path(operation)));
  Teller teller{view};
  for (const std::string& payload : log.records())
    teller.tell(TRY(decode(payload)));
  teller.conclude();
  return view;
}

} // namespace engine
