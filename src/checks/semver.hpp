#pragma once
// Semver: how large a step from one version to another is (semver.org, 2.0.0). Pure.

#include "domain/preflight_spec.hpp"

#include <string_view>

namespace checks {

// "v" before a version is passed over, also a name ("shop-1.2.3"); a part that is missing is 0. A
// way down counts like the same way up. `unknown`: one of them is no version.
domain::UpgradeClass class_between(std::string_view from, std::string_view to);
std::string_view name_of(domain::UpgradeClass upgrade); // "patch", "minor", "major", "unknown"

} // namespace checks
