#include "engine/table.hpp"

#include "base/result.hpp"

#include <algorithm>
#include <array>

namespace engine {
namespace {

using S = State;

// clang-format off
constexpr std::array rows{
    Row{S::check,             "check",             S::baseline,          S::end_blocked,   1},
    Row{S::baseline,          "baseline",          S::pin,               S::end_blocked,   1},
    Row{S::pin,               "pin",               S::rehearse,          S::end_unchanged, 1},
    Row{S::rehearse,          "rehearse",          S::protect,           S::end_unchanged, 1},
    Row{S::protect,           "protect",           S::quiesce,           S::end_unchanged, 1},
    Row{S::quiesce,           "quiesce",           S::secure,            S::hold,          1},
    Row{S::secure,            "secure",            S::expand,            S::hold,          1},
    Row{S::expand,            "expand",            S::switch_release,    S::hold,          1},
    Row{S::switch_release,    "switch",            S::migrate,           S::hold,          1},
    Row{S::migrate,           "migrate",           S::start,             S::hold,          1},
    Row{S::start,             "start",             S::ready,             S::hold,          1},
    Row{S::ready,             "ready",             S::smoke,             S::hold,          1},
    Row{S::smoke,             "smoke",             S::watch,             S::hold,          1},
    Row{S::watch,             "watch",             S::commit,            S::hold,          1},
    Row{S::commit,            "commit",            S::tidy,              S::hold,          3},
    Row{S::tidy,              "tidy",              S::end_committed,     S::end_committed, 1},
    Row{S::rollback_check,    "rollback_check",    S::hold,              S::end_blocked,   1},
    Row{S::hold,              "hold",              S::capture_abandoned, S::stay,          3},
    Row{S::capture_abandoned, "capture_abandoned", S::restore_data,      S::stay,          3},
    Row{S::restore_data,      "restore_data",      S::restore_config,    S::stay,          3},
    Row{S::restore_config,    "restore_config",    S::restore_release,   S::stay,          3},
    Row{S::restore_release,   "restore_release",   S::start_again,       S::stay,          3},
    Row{S::start_again,       "start_again",       S::ready_again,       S::escalate,      3},
    Row{S::ready_again,       "ready_again",       S::smoke_again,       S::escalate,      1},
    Row{S::smoke_again,       "smoke_again",       S::settle,            S::escalate,      1},
    Row{S::escalate,          "escalate",          S::hold,              S::stay,          1,
        S::start_again},
    Row{S::settle,            "settle",            S::end_rolled_back,   S::stay,          3},
};
// clang-format on

} // namespace

std::span<const Row> table() {
  return rows;
}

const Row& row_of(State state) {
  const auto row = std::ranges::find(rows, state, &Row::state);
  CHECK(row != rows.end());
  return *row;
}

std::optional<State> state_named(std::string_view name) {
  const auto row = std::ranges::find(rows, name, &Row::name);
  if (row == rows.end())
    return std::nullopt;
  return row->state;
}

State skip_unknown(State state, std::string_view step) {
  if (state == State::rehearse && step == row_of(State::protect).name)
    return State::protect;
  if (state == State::expand && step == row_of(State::switch_release).name)
    return State::switch_release;
  return state;
}

State first_state(state::OperationKind kind) {
  return kind == state::OperationKind::upgrade ? State::check : State::rollback_check;
}

State after_failure(State state, bool stays) {
  const Row& row = row_of(state);
  if (!stays)
    return row.on_failure;
  return row.on_resume == State::stay ? state : row.on_resume;
}

bool is_end(State state) {
  return state >= State::end_committed && state < State::stay;
}

bool is_way_back(State state) {
  return state >= State::rollback_check && state <= State::settle;
}

bool services_run_in(State state) {
  return state <= State::protect || (state >= State::ready && state <= State::rollback_check) ||
         state == State::ready_again || state == State::smoke_again || state >= State::settle;
}

domain::Outcome outcome_of(State end) {
  switch (end) {
  case State::end_committed: return domain::Outcome::committed;
  case State::end_rolled_back: return domain::Outcome::rolled_back;
  default: return domain::Outcome::unchanged;
  }
}

} // namespace engine
