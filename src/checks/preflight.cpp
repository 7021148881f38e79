#include "checks/preflight.hpp"

#include "checks/look.hpp"

#include <algorithm>
#include <array>

namespace checks {

namespace {

struct Check {
  const char* name;
  void (*look)(const Look&);
};
constexpr std::array all{Check{"disk", look_at_disk},
                         Check{"memory", look_at_memory},
                         Check{"open-files", look_at_open_files},
                         Check{"clock", look_at_clock},
                         Check{"environment", look_at_environment},
                         Check{"placeholders", look_for_placeholders},
                         Check{"license", look_at_licenses},
                         Check{"git", look_at_git},
                         Check{"backups", look_at_backups},
                         Check{"claims", look_at_claims},
                         Check{"other-hands", look_at_other_hands},
                         Check{"release-notes", look_at_release_notes},
                         Check{"window", look_at_window},
                         Check{"evidence", look_at_evidence}};

domain::CheckLevel level_of(const domain::PreflightSpec& spec, const std::string& name) {
  const auto found = spec.levels.find(name);
  return found == spec.levels.end() ? domain::CheckLevel::block : found->second;
}

} // namespace

std::vector<domain::Finding> Preflight::look(const domain::PreflightRequest& request) {
  std::vector<domain::Finding> findings;
  for (const Check& check : all) {
    const auto level = level_of(stack_.preflight, check.name);
    if (level == domain::CheckLevel::off)
      continue;
    const auto first = static_cast<std::ptrdiff_t>(findings.size());
    check.look({world_, resources_, stack_, read_secret_, request, findings});
    for (auto found = findings.begin() + first; found != findings.end(); ++found)
      if (level == domain::CheckLevel::warn)
        found->level = std::min(found->level, domain::FindingLevel::warning);
  }
  return findings;
}

} // namespace checks
