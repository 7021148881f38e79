#pragma once
// Judging: takes the judge's readings before and after the change, keeps them, and asks it at its
// looks. Nothing happens where belay.yaml names no probe for it.

#include "engine/context.hpp"
#include "engine/readings.hpp"

#include <optional>
#include <string>
#include <vector>

namespace engine {

// One round: every probe once. All its readings have the time of its begin.
std::vector<judge::Reading> take_round(world::World world, domain::Probe& probe,
                                       const domain::JudgePolicy& policy);

// A probe of the judge that cannot be measured now, or has no number though one is wanted: what
// is wrong with it, one line each. A mistyped metric would be judged good for ever.
std::vector<std::string> dataless(domain::Probe& probe, const domain::JudgePolicy& policy);

// The readings before the change: those of the history that lead up to now, and new ones until
// the baseline is long enough. failed: a probe has no data; interrupted.
base::Result<> judge_baseline(Context& context, Record& out);

// The judge in the watch.
class Judging {
public:
  Judging(Context& context, Record& out) : context_{context}, out_{out} {}

  base::Result<> begin();
  // Takes a round when one is due, and judges when a look is. failed: it is worse.
  base::Result<> tick(world::Milliseconds elapsed);
  // At the end of the watch, however it ends: the record says which readings were judged.
  void seal();
  // What the last look found, as a part of a sentence; empty when nothing is judged.
  std::string told() const;
  // How long until there is something to do again; at most `longest`.
  world::Milliseconds pause(world::Milliseconds elapsed, world::Milliseconds longest) const;

private:
  base::Result<> conclude(const judge::Judgement& judgement);
  void keep_line(const std::string& payload);

  Context& context_;
  Record& out_;
  bool is_on_ = false;
  JudgedCase all_;
  std::optional<journal::Journal> file_;
  world::Milliseconds next_round_{0};
  int next_look_ = 1;
  std::string found_; // the verdict of the last look
};

// --- the quiet history, and looking back ---

struct Recorded {
  int rounds = 0;
  int skipped = 0; // while an operation was in progress
};
// Record quiet history for so long. conflict: another belay records already.
base::Result<Recorded> record_history(world::World world, const domain::Stack& stack,
                                      domain::Probe& probe, const state::Folder& folder,
                                      world::Milliseconds duration);

struct Replayed {
  judge::Judgement judgement;
  bool is_as_recorded = false; // every number of it
};
struct Replay {
  std::vector<Replayed> verdicts;
  // The operation's journal says that these readings are the ones that were judged, and all of
  // them. false: it was broken off in the watch, or they could not all be kept.
  bool is_sealed = false;
};
// Every verdict of an operation, computed again from its readings. not_found: it was not judged;
// corrupt: the readings were cut, damaged or changed since.
base::Result<Replay> replay(world::World world, const state::Folder& folder,
                            const std::string& operation);

} // namespace engine
