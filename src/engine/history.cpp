#include "engine/history.hpp"

#include "base/text.hpp"
#include "engine/judging.hpp"
#include "judge/placebo.hpp"

#include <algorithm>
#include <utility>

namespace engine {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::Milliseconds;

namespace {

constexpr std::chrono::hours kept_for{7 * 24};
constexpr std::size_t day_digits = 8; // "20261121"

std::string history_folder(const state::Folder& folder) {
  return folder.path() + "/history";
}

std::string day_of(world::TimePoint time) {
  return base::compact_time(time).substr(0, day_digits);
}

std::vector<std::string> days(world::World world, const state::Folder& folder) {
  const auto names = world.files.list(history_folder(folder));
  std::vector<std::string> found;
  for (const std::string& name : names ? names.value() : std::vector<std::string>{})
    if (name.size() == day_digits && name.find_first_not_of("0123456789") == std::string::npos)
      found.push_back(name);
  return found;
}

Result<> forget_old_days(world::World world, const state::Folder& folder) {
  const std::string oldest = day_of(world.clock.now() - kept_for);
  for (const std::string& day : days(world, folder))
    if (day < oldest)
      TRY(world.files.remove(history_folder(folder) + "/" + day));
  return ok();
}

} // namespace

std::string readings_path(const state::Folder& folder, const std::string& operation) {
  return folder.operation_path(operation) + "/readings";
}

std::vector<QuietRound> recent_history(world::World world, const state::Folder& folder,
                                       Milliseconds length) {
  const auto from = world.clock.now() - length;
  const auto from_ms = std::chrono::duration_cast<Milliseconds>(from.time_since_epoch()).count();
  std::vector<QuietRound> rounds;
  for (const std::string& day : days(world, folder)) {
    if (day < day_of(from))
      continue;
    auto read = load_history(world.files, history_folder(folder) + "/" + day);
    if (!read) {
      world.events.emit({.kind = world::EventKind::warning,
                         .at = world.clock.now(),
                         .text = "history of " + day + " is left out: " + read.error().message});
      continue;
    }
    for (QuietRound& round : read.value())
      if (!round.readings.empty() && round.readings[0].at_ms >= from_ms)
        rounds.push_back(std::move(round));
  }
  return rounds;
}

std::vector<judge::Placebo> placebos_from_history(world::World world, const state::Folder& folder,
                                                  const judge::Policy& policy) {
  std::vector<std::vector<judge::Reading>> stretches;
  int generation = -1;
  for (QuietRound& round :
       recent_history(world, folder, std::chrono::duration_cast<Milliseconds>(kept_for))) {
    if (round.generation != generation) // an upgrade lies between them
      stretches.emplace_back();
    generation = round.generation;
    std::ranges::move(round.readings, std::back_inserter(stretches.back()));
  }
  for (auto& stretch : stretches) // a clock that was set back
    std::ranges::stable_sort(stretch, {}, &judge::Reading::at_ms);
  return judge::make_placebos(stretches, policy);
}

Result<Recorded> record_history(world::World world, const domain::Stack& stack,
                                domain::Probe& probe, const state::Folder& folder,
                                Milliseconds duration) {
  const domain::JudgePolicy& policy = stack.upgrade.judge;
  if (policy.probes.empty())
    return Error{ErrorKind::invalid_input, "belay.yaml names no probe for the judge",
                 "Set 'upgrade.judge.probes'."};
  TRY(world.files.create_folders(history_folder(folder)));
  const auto lock = TRY_CONTEXT(world.files.lock(history_folder(folder) + "/lock", "recorder\n"),
                                "another belay records the history");
  std::optional<journal::Journal> file;
  std::string file_day;
  Recorded recorded;
  int last_generation = 0;
  const auto begun = world.clock.monotonic();
  while (!world.clock.stop_requested()) {
    const int generation = TRY(folder.current_generation());
    if (generation == 0 || !TRY(folder.in_progress()).empty()) {
      ++recorded.skipped; // what is being changed is not quiet
    } else {
      if (const std::string day = day_of(world.clock.now()); day != file_day) {
        TRY(forget_old_days(world, folder));
        file = TRY(journal::Journal::open(world.files, history_folder(folder) + "/" + day));
        file_day = day;
      }
      if (std::exchange(last_generation, generation) != generation)
        probe.start_over(); // windows of time hold what another release did
      TRY(file->append(encode_round("quiet", generation, take_round(world, probe, policy))));
      ++recorded.rounds;
    }
    if (world.clock.monotonic() - begun + policy.every > duration)
      break;
    world.clock.sleep_for(policy.every);
  }
  return recorded;
}

} // namespace engine
