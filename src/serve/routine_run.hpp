#pragma once
// Routine run: a routine as a belay of its own, which outlives us: how it is begun, found again
// and ended. docs/formats/schedule.md says what is on disk in between.

#include "app/app.hpp"
#include "serve/line.hpp"
#include "state/routines.hpp"

#include <optional>
#include <string>
#include <vector>

namespace serve {

// How soon a thing that is served is looked at again.
inline constexpr std::chrono::seconds look_at_all_again{60}; // its configuration, what others do
inline constexpr std::chrono::milliseconds look_at_running_again{500};
inline constexpr std::chrono::seconds look_after_an_error{
    5};                                                    // whoever repairs it waits to see that
inline constexpr std::chrono::seconds wait_for_a_place{1}; // when so many others run

struct RoutinePlace {
  const app::Host& host;
  std::string program;
  std::string state_folder;
  std::string working_folder;
};

// Begins it, durably known before it runs. `argv`: without the program. False: it could not be
// started, and end_run() is to be called with status 1.
base::Result<bool> begin_run(const RoutinePlace& place, state::RoutineRecord& record,
                             world::TimePoint planned, const std::vector<std::string>& argv);
// It did not begin: something else is at work.
base::Result<> skip_run(const RoutinePlace& place, state::RoutineRecord& record,
                        world::TimePoint planned, const std::string& why);
base::Result<bool> is_run_alive(const RoutinePlace& place, const std::string& name);
// The exit status that it left; nothing: it died without one.
std::optional<int> status_left(const RoutinePlace& place, const std::string& name);
// Reads what it printed, and counts it. Durable.
base::Result<> end_run(const RoutinePlace& place, state::RoutineRecord& record,
                       std::optional<int> status);

// "backup done after 1.2 s: restore point p-1".
std::string words_of_end(const state::RoutineRecord& record);
Level level_of_end(const state::RoutineRecord& record);

} // namespace serve
