// Build, the part for the judge.
#include "base/text.hpp"
#include "config/build.hpp"
#include "config/scalars.hpp"

#include <algorithm>

namespace config {
namespace {

// Every probe that may be asked again and again.
std::vector<domain::ProbeSpec> all_probes(const domain::Stack& stack) {
  std::vector<domain::ProbeSpec> probes;
  for (const auto& service : stack.services)
    probes.push_back(service.ready.probe);
  for (const auto& check : stack.checks)
    probes.push_back(check.probe);
  for (const auto& smoke : stack.upgrade.smoke)
    probes.push_back(smoke);
  return probes;
}

void say_unknown(const Building& building, const Value& value, const std::string& name,
                 const std::vector<std::string>& known) {
  const auto near = base::nearest(name, known);
  building.problems.add(value.mark, "the judge looks at " + quoted(name) + ", which is no probe",
                        near ? "Did you mean '" + *near + "'?"
                             : "The probes are " + base::join(known, ", ") + ".");
}

void check_times(const Building& building, const Value& section,
                 const domain::JudgePolicy& policy) {
  const auto watch = building.stack.upgrade.watch;
  if (policy.warm_up * 2 > watch)
    building.problems.add(section.at("warm_up").mark,
                          "'upgrade.watch' of " + duration_text(watch) +
                              " is too short to judge: it must be twice 'judge.warm_up' (" +
                              duration_text(policy.warm_up) + ") at least",
                          "Set upgrade.watch to 15m, say.");
  if (watch < policy.every * 60)
    building.warn(section.at("every").mark,
                  "the judge gets few readings: 'upgrade.watch' of " + duration_text(watch) +
                      " has less than 60 rounds of " + duration_text(policy.every));
}

} // namespace

domain::JudgePolicy build_judge(const Building& building) {
  const Value& section = building.root.at("upgrade").at("judge");
  domain::JudgePolicy policy;
  policy.every = section.at("every").duration;
  policy.baseline = section.at("baseline").duration;
  policy.warm_up = section.at("warm_up").duration;
  policy.history = section.at("history").duration;
  policy.ratio = section.at("ratio").number;
  const auto probes = all_probes(building.stack);
  std::vector<std::string> known;
  known.reserve(probes.size());
  for (const auto& probe : probes)
    known.push_back(probe.name);
  for (const std::string& name : section.at("probes").words) {
    const auto found = std::ranges::find(probes, name, &domain::ProbeSpec::name);
    if (found == probes.end())
      say_unknown(building, section.at("probes"), name, known);
    else
      policy.probes.push_back(*found);
  }
  policy.numbers = section.at("numbers").words;
  for (const std::string& name : policy.numbers) {
    const auto found = std::ranges::find(policy.probes, name, &domain::ProbeSpec::name);
    if (found == policy.probes.end())
      building.problems.add(section.at("numbers").mark,
                            quoted(name) + " is not among 'upgrade.judge.probes'", "Add it there.");
    else if (!domain::gives_number(*found))
      building.problems.add(section.at("numbers").mark, quoted(name) + " has no number",
                            "Set its `value`, or take it out of 'upgrade.judge.numbers'.");
  }
  if (policy.ratio <= 1)
    building.problems.add(section.at("ratio").mark, "'upgrade.judge.ratio' must be above 1",
                          "1.5 is a rise by a half.");
  if (!policy.probes.empty())
    check_times(building, section, policy);
  return policy;
}

} // namespace config
