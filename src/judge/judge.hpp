#pragma once
// Judge: is the new release worse than the old one was? Readings of the same requests before and
// after a change in, a verdict with its numbers out. Pure. Method and figures: docs/judge.md.

#include "judge/statistics.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace judge {

enum class Answer { ok, failed, unknown }; // unknown: nothing could be measured

struct Reading {
  std::int64_t at_ms = 0; // on one axis for all readings of a case
  std::string request;
  Answer answer = Answer::unknown;
  double latency_ms = 0; // counts when the answer is ok
  std::optional<double> number;
};

enum class Verdict { no_worse, worse, inconclusive };
enum class Measure {
  failing, // an invariant: it answered before, and now it does not. No statistics
  errors,  // the share of failures
  latency, // the median of good answers
  number   // the median of a number that must not grow
};

// What a user may set; the rest are the constants below.
struct Policy {
  std::int64_t watch_ms = 900'000;
  std::int64_t warm_up_ms = 300'000;        // latency and numbers are not looked at before
  std::int64_t baseline_ms = 1'800'000;     // readings before the change that count
  std::int64_t history_min_ms = 86'400'000; // of quiet history, before noise can be told
  double ratio_min = 1.5;                   // less than this is never called worse
  std::vector<std::string> numbers;         // requests whose number must not grow
};

constexpr int looks = 3;                  // at each third of the watch, and never in between
constexpr double p_errors = 0.003;        // for all looks and requests together
constexpr double p_shift = 0.01;          // for all requests together; the last look only
constexpr std::int64_t readings_min = 30; // on each side
constexpr std::int64_t errors_min = 5;    // failures after the change, at least
constexpr double errors_ratio_min = 2;    // of the share before
constexpr int slices = 15;                // of the watch; failures must be in
constexpr int slices_min = 3;             // so many of them: one hiccup is no error rate
constexpr double latency_rise_min_ms = 5; // a smaller rise is never called worse
constexpr int failing_of = 10;            // of the last so many readings of a request
constexpr int failing_min = 8;            // so many failed
constexpr double one_of_many_ratio = 2;   // floor for one request when there are several
constexpr double hidden_ratio = 2;        // noise that could hide this rise: inconclusive

// How much a median moved between two moments at which nothing was changed, again and again
// through the service's own history: what `worse` must exceed.
struct Placebo {
  Measure measure = Measure::latency;
  std::string request;
  std::vector<double> shifts; // ascending; latency: logarithm of the ratio; number: difference
  std::int64_t span_ms = 0;   // of the history that they come from
};

struct Case {
  std::vector<Reading> before; // by time
  std::vector<Reading> after;  // by time
  std::int64_t watch_begun_ms = 0;
  std::vector<Placebo> placebos;
};

struct Finding {
  Measure measure = Measure::errors;
  std::string request; // empty: all of them together
  Verdict verdict = Verdict::inconclusive;
  std::int64_t count_before = 0; // readings that it stands on
  std::int64_t count_after = 0;
  double before = 0; // a share, milliseconds, or the number
  double after = 0;
  std::optional<double> limit; // `after` is worse above (errors, failing: from) this
  std::optional<double> p;     // errors: Fisher's exact test
  std::optional<double> p_max;
  std::optional<double> quieter; // share of the placebos that moved less
  std::int64_t placebos = 0;
  std::string why; // one line, with the numbers
};

struct Judgement {
  Verdict verdict = Verdict::inconclusive;
  int look = 0; // 1 to `looks`; 0: between them, invariants only
  std::int64_t elapsed_ms = 0;
  std::vector<Finding> findings;
};

std::string_view name_of(Verdict verdict);
std::string_view name_of(Measure measure);

// When the look `look` (1 to `looks`) is due, since the watch begun.
std::int64_t look_at_ms(const Policy& policy, int look);

// The invariants alone, as of now: at any time. Its verdict is worse or inconclusive.
Judgement judge_invariants(const Case& readings);

// The whole judgement at a look, from the readings before its time only: what comes later, or how
// often somebody looks, changes nothing. Worse when one finding is; else inconclusive when one is.
Judgement judge_at(const Case& readings, const Policy& policy, int look);

} // namespace judge
