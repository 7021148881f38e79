#pragma once
// Preflight: looks at the machine, the project and the release before an upgrade touches anything.
// Read-only. It finds; what a finding means for the operation is the engine's.

#include "domain/release.hpp"
#include "domain/store.hpp"
#include "world/processes.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace domain {

enum class FindingLevel { ok, warning, blocker };
std::string_view name_of(FindingLevel level); // "ok", "warning", "blocker"

// What one check found. `text` is a sentence that says what to do, unless all is well; it never
// holds a secret.
struct Finding {
  std::string check; // its name, docs/guide/checks.md
  FindingLevel level = FindingLevel::ok;
  std::string text;
  bool operator==(const Finding&) const = default;
};

// What the engine has seen of the stack when it asks.
struct StoreFact {
  std::string store;
  StoreState state;
};
struct ServiceFact {
  std::string service;
  std::optional<world::ProcessId> process;   // nullopt: it does not run, or we cannot see it
  std::optional<std::uint64_t> memory_bytes; // nullopt: not known
};
// What somebody vouches for, by name: "ci" "https://ci.example/run/81".
struct GivenEvidence {
  std::string name;
  std::string value;
  bool operator==(const GivenEvidence&) const = default;
};
struct PreflightRequest {
  std::string to;                     // empty: only what needs no target
  std::string label_from;             // of what runs; empty: nothing was ever committed
  std::vector<Release> releases_from; // likewise
  std::vector<StoreFact> stores;      // those that could be looked at
  std::vector<ServiceFact> services;
  std::string newest_record; // time of the newest record in the state folder, RFC 3339; may be ""
  std::vector<GivenEvidence> evidence;
};

class Preflight {
public:
  virtual ~Preflight() = default;
  // In the order of docs/guide/checks.md; a check may find several things, or say one `ok`.
  virtual std::vector<Finding> look(const PreflightRequest& request) = 0;
};

} // namespace domain
