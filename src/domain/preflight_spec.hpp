#pragma once
// PreflightSpec: what belay.yaml says of the checks that are made before an upgrade. Plain values.

#include "domain/secret_ref.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace domain {

// How much a check may say. `block`: what it finds; `warn`: nothing worse than a warning.
enum class CheckLevel { block, warn, off };

// A license that is a JWT. Its claims are read, its signature is not verified.
struct LicenseSpec {
  std::string name;
  std::optional<SecretRef> token;  // or:
  std::string variable;            // of the services' environment
  std::vector<std::string> claims; // that it must have
  std::chrono::milliseconds margin{0};
  std::chrono::milliseconds warn{0};
};

// What an upgrade changes by semver, the smallest first. `unknown`: the labels are no versions.
enum class UpgradeClass { patch, minor, major, unknown };

// Something that must be shown before an upgrade of this class or a larger one.
struct EvidenceSpec {
  std::string name;
  UpgradeClass from = UpgradeClass::patch;
  std::string file;                     // its first line is the evidence; empty: given by hand
  std::string wanted;                   // must be in it; may hold {to}
  std::chrono::milliseconds max_age{0}; // then it begins with a date; 0: any
};

struct WindowSpec {          // UTC
  std::vector<int> weekdays; // 0 is Sunday; empty: every day
  int from_minute = 0;       // of the day
  int to_minute = 0;         // of the same day, or of the next when it is not after `from_minute`
};

// Lines of a crontab that are kept from cron during an operation.
struct HoldLineSpec {
  std::string crontab; // path
  std::string with;    // each command line that this stands in
};

struct PreflightSpec {
  std::map<std::string, CheckLevel> levels;      // by the name of the check; absent: block
  std::uint64_t disk_margin_bytes = 256U << 20U; // that should stay free on every file system
  std::uint64_t memory_free_bytes = 64U << 20U;  // that must be available
  std::vector<std::string> env_files;            // variables of the services, beside their own
  std::vector<std::string> examples;             // files in a release that name its variables
  std::vector<std::string> required;             // variables that must be set
  std::vector<LicenseSpec> licenses;
  std::vector<std::string> git;        // folders whose checkout must be clean
  std::vector<std::string> backups;    // where backups of the stores are kept
  std::vector<std::string> neighbours; // other belay.yaml and compose files
  std::vector<std::string> hold;       // cron files that are kept from cron during an operation
  std::vector<HoldLineSpec> hold_lines;
  std::vector<std::string> hold_units; // timers and paths of systemd that are stopped meanwhile
  std::vector<std::string> hold_containers; // others than the stack's own, stopped meanwhile
  std::vector<EvidenceSpec> evidence;
  std::vector<WindowSpec> windows; // any of them; empty: always
};

} // namespace domain
