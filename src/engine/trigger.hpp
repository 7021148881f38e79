#pragma once
// Trigger: what one reading means to a rule. Pure; the time that it lasts is the watch's business.

#include "domain/probe.hpp"
#include "domain/stack.hpp"
#include "engine/record.hpp"

#include <optional>
#include <string>

namespace engine {

// unknown: nothing can be said, for there is no number, or no baseline to compare it with.
enum class Holds { no, yes, unknown };

struct Finding {
  Holds holds = Holds::unknown;
  std::string text; // "250 is above 200 and 240 more than the baseline's 10"
};

// The conditions of a numeric rule. `baseline`: of its probe; nullptr: there is none.
Finding judge_number(const domain::TriggerRule& rule, const std::optional<double>& number,
                     const KeptReading* baseline);

// "0.25", "1250000": as people write it.
std::string number_text(double value);

// Of a check with limits, of a kind that is nothing but a number, or of a probe with rules on its
// number: it must have one before the change.
bool wants_number(const domain::Stack& stack, const std::string& probe);

// Whether the check, or a rule on its probe, compares with the number before the change.
bool needs_baseline(const domain::Stack& stack, const domain::CheckSpec& check);

} // namespace engine
