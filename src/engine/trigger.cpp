#include "engine/trigger.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

namespace engine {

std::string number_text(double value) {
  std::array<char, 40> buffer{};
  const bool is_whole = std::abs(value) < 1e15 && value == std::floor(value);
  std::snprintf(buffer.data(), buffer.size(), is_whole ? "%.0f" : "%.6g", value);
  return buffer.data();
}

Finding judge_number(const domain::TriggerRule& rule, const std::optional<double>& number,
                     const KeptReading* baseline) {
  if (!number || !std::isfinite(*number))
    return {Holds::unknown, "no number"};
  const bool has_baseline = baseline != nullptr && baseline->number.has_value();
  if (rule.needs_baseline() && !has_baseline)
    return {Holds::unknown, number_text(*number) + ", without a baseline to compare it with"};
  const double before = has_baseline ? *baseline->number : 0;
  const double growth = *number - before;
  std::vector<std::string> parts;
  bool holds = true;
  const auto judge = [&](bool is_met, const std::string& met, const std::string& otherwise) {
    holds = holds && is_met;
    parts.push_back(is_met ? met : otherwise);
  };
  if (rule.above) {
    const std::string limit = number_text(*rule.above);
    judge(*number > *rule.above, "is above " + limit, "is not above " + limit);
  }
  if (rule.below) {
    const std::string limit = number_text(*rule.below);
    judge(*number < *rule.below, "is below " + limit, "is not below " + limit);
  }
  const std::string grown =
      "is " + number_text(growth) + " more than the " + number_text(before) + " of the baseline";
  if (rule.growth)
    judge(growth > *rule.growth, grown + " (limit " + number_text(*rule.growth) + ")", grown);
  if (rule.growth_percent) {
    const double limit = std::abs(before) * *rule.growth_percent / 100;
    judge(growth > limit, grown + " (limit " + number_text(*rule.growth_percent) + " %)", grown);
  }
  return {holds ? Holds::yes : Holds::no, number_text(*number) + " " + base::join(parts, " and ")};
}

bool wants_number(const domain::Stack& stack, const std::string& probe) {
  const bool has_rule = std::ranges::any_of(stack.triggers, [&](const domain::TriggerRule& rule) {
    return rule.probe == probe && rule.is_numeric();
  });
  return has_rule || std::ranges::any_of(stack.checks, [&](const domain::CheckSpec& check) {
           return check.probe.name == probe &&
                  (check.min || check.max || check.min_of_baseline || check.max_of_baseline ||
                   check.probe.kind >= domain::ProbeKind::metric);
         });
}

bool needs_baseline(const domain::Stack& stack, const domain::CheckSpec& check) {
  return check.min_of_baseline || check.max_of_baseline ||
         std::ranges::any_of(stack.triggers, [&](const domain::TriggerRule& rule) {
           return rule.probe == check.probe.name && rule.needs_baseline();
         });
}

} // namespace engine
