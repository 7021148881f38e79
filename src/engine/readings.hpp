#pragma once
// Readings: what the judge saw, kept with its operation so that a verdict can be computed again;
// and the quiet history of a stack. Format: docs/formats/readings.md.

#include "base/result.hpp"
#include "domain/stack.hpp"
#include "journal/journal.hpp"
#include "judge/judge.hpp"
#include "world/files.hpp"

#include <string>
#include <vector>

namespace engine {

struct RecordedVerdict {
  int look = 0;
  std::string payload; // as `encode_judgement` wrote it
};

// The readings of an operation, as its file says them.
struct JudgedCase {
  judge::Policy policy;
  judge::Case readings;
  std::vector<RecordedVerdict> verdicts;
  bool has_policy = false;
  bool has_watch = false;
};

judge::Policy policy_of(const domain::Stack& stack);

std::string encode_policy(const judge::Policy& policy); // begins the file's story anew
std::string encode_round(const std::string& side, int generation,
                         const std::vector<judge::Reading>& round);
std::string encode_watch(std::int64_t begun_ms); // begins the story after the change anew
std::string encode_placebo(const judge::Placebo& placebo);
std::string encode_judgement(const judge::Judgement& judgement);

// corrupt: damaged; too_new; has_policy is false when there is no file.
base::Result<JudgedCase> load_case(world::Files& files, const std::string& path);

// A quiet round, and the generation that ran then.
struct QuietRound {
  int generation = 0;
  std::vector<judge::Reading> readings;
};
// Of one file of history; empty when it is absent.
base::Result<std::vector<QuietRound>> load_history(world::Files& files, const std::string& path);

} // namespace engine
