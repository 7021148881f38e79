// Replay: the verdicts of an operation, computed again from what its watch has kept.

#include "base/digest.hpp"
#include "engine/history.hpp"
#include "engine/judging.hpp"
#include "engine/record.hpp"

namespace engine {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

// What the last watch that ended says of its readings. A watch that failed and was begun again
// has kept more since, so what it said is void.
Result<std::optional<std::string>> seal_of(world::World world, const state::Folder& folder,
                                           const std::string& operation) {
  const auto log = TRY(journal::Journal::look(world.files, folder.journal_path(operation)));
  std::optional<std::string> seal;
  bool may_begin_again = false;
  for (const std::string& payload : log.records()) {
    Record record = TRY(decode(payload));
    const bool has_ended = record.event == RecordEvent::done || record.event == RecordEvent::failed;
    if (has_ended && record.step == "watch") {
      seal = std::move(record.readings);
      may_begin_again = record.stays;
    } else if (may_begin_again && !has_ended) {
      seal.reset();
    }
  }
  return seal;
}

Result<> check_seal(world::Files& files, const std::string& path, const std::string& operation,
                    const std::string& seal) {
  const auto read = files.read(path);
  if (!read && read.error().kind != ErrorKind::not_found)
    return read.error();
  if (read && base::sha256_hex(read.value()) == seal)
    return ok();
  return Error{ErrorKind::corrupt,
               "the readings of operation " + operation + " are not those that were judged: '" +
                   path + (read ? "' was cut or changed since" : "' is gone"),
               "Bring the file back from a copy. 'belay report " + operation +
                   "' tells the verdicts as they were then."};
}

Replayed again(const JudgedCase& all, const RecordedVerdict& recorded) {
  Replayed replayed{recorded.look == 0 ? judge::judge_invariants(all.readings)
                                       : judge::judge_at(all.readings, all.policy, recorded.look),
                    false};
  replayed.is_as_recorded = encode_judgement(replayed.judgement) == recorded.payload;
  return replayed;
}

} // namespace

Result<Replay> replay(world::World world, const state::Folder& folder,
                      const std::string& operation) {
  TRY(folder.plan_of(operation)); // not_found says it better than an empty file
  const std::string path = readings_path(folder, operation);
  const auto seal = TRY(seal_of(world, folder, operation));
  if (seal)
    TRY(check_seal(world.files, path, operation, *seal));
  const JudgedCase all = TRY_CONTEXT(load_case(world.files, path), "the judge's readings");
  if (!all.has_watch)
    return Error{ErrorKind::not_found, "operation " + operation + " was not judged",
                 "Name what is to be compared in 'upgrade.judge.probes'."};
  Replay replay{.is_sealed = seal.has_value()};
  for (const RecordedVerdict& recorded : all.verdicts)
    replay.verdicts.push_back(again(all, recorded));
  return replay;
}

} // namespace engine
