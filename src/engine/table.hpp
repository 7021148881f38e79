#pragma once
// Table: the whole control flow of an operation. There is no other place that decides what is next.

#include "domain/outcome.hpp"
#include "state/records.hpp"

#include <optional>
#include <span>
#include <string_view>

namespace engine {

enum class State {
  // forward
  check,
  baseline,
  pin,
  rehearse,
  protect,
  quiesce,
  secure,
  expand,
  switch_release,
  migrate,
  start,
  ready,
  smoke,
  watch,
  commit,
  tidy,
  // the way back; a rollback that the operator asks for enters at rollback_check
  rollback_check,
  hold,
  capture_abandoned,
  restore_data,
  restore_config,
  restore_release,
  start_again,
  ready_again,
  smoke_again,
  escalate,
  settle,
  // ends
  end_committed,
  end_rolled_back,
  end_unchanged,
  end_blocked,
  // not an end: the state does not change until the operator says so
  stay,
};

struct Row {
  State state;
  std::string_view name; // what the journal says; never renamed
  State on_success;
  State on_failure;
  int attempts; // how often it is tried at once before it counts as failed
  // After it stopped for an operator: where `resume` goes on; `stay` for the same state.
  State on_resume = State::stay;
};

std::span<const Row> table();
const Row& row_of(State state);                          // not for ends
std::optional<State> state_named(std::string_view name); // a row's name
// Where a journal stands that is from before the table had a row for `rehearse` or `expand`.
State skip_unknown(State state, std::string_view step);
State first_state(state::OperationKind kind);
State after_failure(State state, bool stays); // where a failed step leads
bool is_end(State state);
bool is_way_back(State state);
// The services are meant to run while this state is under way.
bool services_run_in(State state);
domain::Outcome outcome_of(State end);

} // namespace engine
