#pragma once
// Records: the values that belay keeps in its state folder, and their JSON form.
// Formats: docs/formats/generation.md, restore-point.md, plan.md. A record of a newer format
// version is `too_new`; one that does not have the form is `corrupt`.

#include "base/result.hpp"
#include "domain/outcome.hpp"
#include "domain/preflight.hpp"
#include "domain/release.hpp"
#include "domain/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace state {

// One configuration file as it was. Its bytes are kept beside the record that lists it.
struct ConfigCopy {
  std::string path;
  bool exists = false;
  std::uint32_t mode = 0;
  std::uint32_t user = 0;
  std::uint32_t group = 0;
  std::string sha256; // of the bytes; empty when it did not exist
  bool operator==(const ConfigCopy&) const = default;
};

// What a stack ran, as of a commit.
struct Generation {
  int number = 0;
  std::string stack;
  std::string at; // RFC 3339
  std::string label;
  std::string operation;
  std::string point; // the restore point that was taken before it; empty for none
  std::vector<domain::Release> releases;
  std::vector<ConfigCopy> config;
  bool operator==(const Generation&) const = default;
};

// A restore point pairs a generation with a snapshot of every store and of the config. An
// abandoned set has the same form: what a way back swapped out, so that it can be brought back.
struct RestorePoint {
  std::string id; // "p-..." a restore point, "a-..." an abandoned set
  std::string stack;
  std::string at;
  std::string operation;
  int generation = 0; // 0: what ran was never committed
  std::string label;
  std::vector<domain::Release> releases;
  std::vector<ConfigCopy> config;
  std::vector<domain::Snapshot> snapshots;
  // Stores whose copy became the live data of a way back: the point can bring them back no more.
  std::vector<std::string> given_up;
  std::string note; // "was live until it was taken back: gate 'smoke' failed"
  bool is_abandoned() const { return id.starts_with("a-"); }
  bool operator==(const RestorePoint&) const = default;
};

enum class OperationKind { upgrade, rollback };

// What a rollback of one level would be.
struct LevelChoice {
  domain::Level level = domain::Level::restart;
  std::string why_not; // the precondition that is missing; empty: it is possible
  std::int64_t downtime_ms = 0;
  std::string price; // what goes back, and what is no longer live then
  bool operator==(const LevelChoice&) const = default;
};

// The frozen decision of one operation. Pure data; nothing is executed by making one.
struct Plan {
  std::string operation; // id
  OperationKind kind = OperationKind::upgrade;
  std::string stack;
  std::string at;
  std::string to;        // upgrade: the label asked for; rollback: id of the point ("" for restart)
  std::string point;     // upgrade: the point that will be taken; rollback: the one to go back to
  std::string abandoned; // id of the set that a way back would leave
  domain::Level level = domain::Level::automatic; // rollback: asked for
  bool auto_rollback = true;
  bool is_compatible = false; // rollback: the operator declares what moved compatible
  int generation_from = 0;
  int generation_to = 0;
  std::vector<domain::Release> releases_from;
  std::string config_digest; // of the effective belay.yaml
  std::string basis;         // digest of all that the plan was made from; see engine::basis_of
  // For people:
  std::vector<std::string> steps;
  std::vector<std::string> blockers;
  std::vector<std::string> warnings;
  std::vector<domain::GivenEvidence> evidence; // what somebody vouched for
  std::vector<domain::Finding> findings;       // of the checks, good ones too
  std::vector<std::string> changes;            // what is different, one line each, secrets redacted
  std::vector<std::string> migrations;         // upgrade: that would run
  std::vector<LevelChoice> levels;             // rollback: what each would be
  domain::Level picked = domain::Level::automatic; // rollback: by evidence, as of now
  std::vector<std::string> reasons;                // of it
  std::string decides_level;                       // what will decide the level of a way back
  std::uint64_t disk_bytes = 0;
  std::uint64_t disk_free_bytes = 0;
  std::int64_t downtime_ms = 0;
  std::int64_t total_ms = 0;
  std::string prediction_from; // "3 earlier upgrades" or "no history: estimated from sizes"
};

std::string to_json(const Generation& generation);
std::string to_json(const RestorePoint& point);
std::string to_json(const Plan& plan);
base::Result<Generation> generation_from_json(std::string_view text);
base::Result<RestorePoint> point_from_json(std::string_view text);
base::Result<Plan> plan_from_json(std::string_view text);

} // namespace state
