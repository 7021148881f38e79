// Build, the part for triggers.
#include "base/text.hpp"
#include "config/build.hpp"
#include "config/scalars.hpp"

#include <algorithm>
#include <array>

namespace config {
namespace {

using domain::ProbeSpec;
using domain::TriggerRule;

std::vector<const ProbeSpec*> probes_of(const domain::Stack& stack) {
  std::vector<const ProbeSpec*> all;
  for (const auto& service : stack.services)
    all.push_back(&service.ready.probe);
  for (const auto& check : stack.checks)
    all.push_back(&check.probe);
  for (const auto& smoke : stack.upgrade.smoke)
    all.push_back(&smoke);
  return all;
}

// nullptr when there is none, which is a problem.
const ProbeSpec* find_probe(const Building& building, const Value& item, const TriggerRule& rule) {
  const auto all = probes_of(building.stack);
  std::vector<std::string> known;
  for (const ProbeSpec* probe : all) {
    if (probe->name == rule.probe)
      return probe;
    known.push_back(probe->name);
  }
  const auto near = base::nearest(rule.probe, known);
  building.problems.add(
      item.at("probe").mark,
      "trigger " + quoted(rule.name) + " looks at " + quoted(rule.probe) + ", which is no probe",
      near ? "Did you mean '" + *near + "'?" : "The probes are " + base::join(known, ", ") + ".");
  return nullptr;
}

void fill_conditions(const Value& item, TriggerRule& rule) {
  const std::array conditions{std::pair{"above", &rule.above}, std::pair{"below", &rule.below},
                              std::pair{"growth", &rule.growth},
                              std::pair{"growth_percent", &rule.growth_percent}};
  for (const auto& [key, number] : conditions)
    if (const Value* value = item.find(key))
      *number = value->number;
  rule.lasting = item.at("for").duration;
}

void check_conditions(const Building& building, const Value& item, const std::string& path,
                      const TriggerRule& rule, const ProbeSpec* probe) {
  const Value* failing = item.find("failing_for");
  if (rule.is_numeric() == (failing != nullptr))
    building.problems.add(
        failing == nullptr ? item.mark : failing->mark,
        quoted(path) + (failing == nullptr ? " has no condition"
                                           : " has both 'failing_for' and a number's condition"),
        "Give failing_for, or one or more of above, below, growth and growth_percent.");
  if (failing != nullptr && rule.lasting.count() > 0)
    building.problems.add(item.at("for").mark, quoted(path + ".for") + " is for numbers",
                          "With failing_for it has no meaning; remove it.");
  if (rule.above && rule.below && *rule.above >= *rule.below)
    building.problems.add(item.at("above").mark,
                          quoted(path) + " can never fire: nothing is above " +
                              item.at("above").json + " and below " + item.at("below").json,
                          "All conditions of a trigger must hold; make two triggers of it.");
  for (const char* key : {"growth", "growth_percent"})
    if (const Value* value = item.find(key); value != nullptr && value->number < 0)
      building.problems.add(value->mark, quoted(path + "." + key) + " must not be negative",
                            "For a number that must not fall, give the check min_of_baseline.");
  if (rule.is_numeric() && probe != nullptr && !domain::gives_number(*probe))
    building.problems.add(item.at("probe").mark,
                          "trigger " + quoted(rule.name) + " wants a number, but probe " +
                              quoted(rule.probe) + " gives none",
                          "Name the number in the JSON answer of a check: value: orders.count.");
}

} // namespace

void build_triggers(const Building& building) {
  domain::Stack& stack = building.stack;
  int number = 0;
  for (const Value& item : building.root.at("triggers").items) {
    const std::string path = "triggers[" + std::to_string(number++) + "]";
    TriggerRule rule;
    rule.name = item.at("name").text;
    rule.probe = item.at("probe").text;
    if (const Value* failing = item.find("failing_for"))
      rule.failing_for = failing->duration;
    fill_conditions(item, rule);
    rule.severity = item.at("severity").text == "warning" ? domain::Severity::warning
                                                          : domain::Severity::critical;
    const auto level = domain::level_named(item.at("level").text);
    CHECK(level.has_value()); // the table's words are the domain's
    rule.level = *level;
    check_conditions(building, item, path, rule, find_probe(building, item, rule));
    if (rule.failing_for > stack.upgrade.watch)
      building.warn(item.at("failing_for").mark,
                    "trigger " + quoted(rule.name) +
                        " can never fire: " + duration_text(rule.failing_for) +
                        " is longer than the watch of " + duration_text(stack.upgrade.watch));
    stack.triggers.push_back(std::move(rule));
  }
  for (domain::CheckSpec& check : stack.checks) {
    const bool is_judged = check.min || check.max || check.min_of_baseline ||
                           check.max_of_baseline ||
                           std::ranges::any_of(stack.triggers, [&](const TriggerRule& rule) {
                             return rule.probe == check.probe.name && rule.is_numeric();
                           });
    if (check.probe.kind == domain::ProbeKind::log && !is_judged)
      check.max = 0;
  }
}

} // namespace config
