#pragma once
// Engine: plans an upgrade or a rollback of one stack, and carries it to an ending through crashes.

#include "domain/outcome.hpp"
#include "domain/preflight.hpp"
#include "domain/probe.hpp"
#include "domain/runtime.hpp"
#include "domain/stack.hpp"
#include "domain/store.hpp"
#include "engine/level.hpp"
#include "state/folder.hpp"
#include "world/world.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace engine {

// What the engine drives; built by the composition root. All must outlive the engine.
struct Drivers {
  domain::Runtime& runtime;
  domain::Probe& probe;
  domain::Store& directory;
  domain::Store& sqlite;
  domain::Store* exec = nullptr;          // where no stack has such a store
  domain::Preflight* preflight = nullptr; // where nothing but the stack itself is looked at
  domain::Store* postgres = nullptr;      // where no stack has such a store
  domain::Store* volume = nullptr;        // likewise
  domain::Store* redis = nullptr;         // likewise
  domain::Store& of(domain::StoreKind kind) const {
    if (kind == domain::StoreKind::exec) {
      CHECK(exec != nullptr);
      return *exec;
    }
    if (kind == domain::StoreKind::postgres) {
      CHECK(postgres != nullptr);
      return *postgres;
    }
    if (kind == domain::StoreKind::volume) {
      CHECK(volume != nullptr);
      return *volume;
    }
    if (kind == domain::StoreKind::redis) {
      CHECK(redis != nullptr);
      return *redis;
    }
    return kind == domain::StoreKind::directory ? directory : sqlite;
  }
};

// The configuration that an operation runs with, frozen with it.
// Take secrets out of text before it is recorded or shown. Empty: nothing is taken out.
struct Redaction {
  using Take = std::function<std::string(std::string_view)>;
  Take words; // what belay says, and the ends of commands that it quotes: what is known as secret
  Take logs;  // what services wrote: also what only looks like a secret
};

struct Settings {
  domain::Stack stack;
  std::string text;   // belay.yaml as it was read
  std::string digest; // of the effective configuration
  Redaction redact = {};
};

// How a call ended. Ids and sentences are for people and for the exit status.
enum class Ending {
  committed,      // the new release runs and is accepted
  rolled_back,    // what ran before runs again, verified
  unchanged,      // failed before anything was touched
  blocked,        // a check or a policy said no; nothing was touched
  needs_operator, // stopped, everything kept; `resume` tries again, `abort` goes back
  paused,         // stopped on request; `resume` goes on, `abort` goes back
  interrupted,    // the operator asked us to stop; `resume` goes on
};

struct Ended {
  Ending ending = Ending::unchanged;
  std::string operation;
  std::string why;  // one or more lines; empty when all went well
  std::string hint; // what to do next; may be empty
};

struct UpgradeRequest {
  std::string to;
  bool auto_rollback = true;
  std::vector<domain::GivenEvidence> evidence; // goes into the plan
};

struct RollbackRequest {
  std::string to; // id of a restore point or an abandoned set; empty: before the running generation
  domain::Level level = domain::Level::automatic;
  bool is_compatible = false; // the operator knows that the target works with the data as it is
};

struct RunOptions {
  std::string until;              // journal name of a step after which to pause; empty: none
  std::function<void()> on_begun; // a new operation has its lock and its record; may be empty
};

class Engine {
public:
  Engine(world::World world, Settings settings, Drivers drivers, state::Folder folder);

  // Read-only: what would happen, and what forbids it (Plan::blockers). `to` may be empty: then
  // only the checks that need no target are made (`belay check`).
  base::Result<state::Plan> plan_upgrade(const UpgradeRequest& request);
  base::Result<state::Plan> plan_rollback(const RollbackRequest& request);

  // Carry out exactly this plan. conflict: another belay is at work, or an operation is in
  // progress, or the plan is no longer true (nothing was changed then).
  base::Result<Ended> apply(const state::Plan& plan, const RunOptions& options);
  // Go on with the operation in progress. not_found: nothing is in progress.
  base::Result<Ended> resume(const RunOptions& options);
  // Revert the operation in progress; a way back that has begun is ended.
  base::Result<Ended> abort();

private:
  enum class How { begin, resume, abort };
  base::Result<Ended> run(const state::Plan& plan, How how, const RunOptions& options);
  world::World world_;
  Settings settings_;
  Drivers drivers_;
  state::Folder folder_;
};

// --- Looking at operations: read-only, needs no lock ---------------------------------------

// One step of an operation as its journal tells it.
struct StepRecord {
  std::string step; // journal name
  std::string begun_at;
  std::string ended_at; // empty: running, or the machine died in it
  enum class State { running, done, failed } state = State::running;
  std::string text;                // what it did, or why it failed
  std::int64_t elapsed_ms = 0;     // monotonic; 0 while running
  std::vector<std::string> detail; // further lines: readings, files, evidence
};

struct GateRecord { // a reading that mattered, beside its baseline
  std::string step;
  std::string probe;
  std::string verdict;  // ok, bad, unknown
  std::string detail;   // of the last reading
  std::string baseline; // its reading before the change; empty for none
};

struct LogTail { // captured before the service was stopped
  std::string service;
  std::string text;
};

// All that is known of one operation: what `status`, `history` and `report` show.
struct OperationView {
  state::Plan plan;
  std::vector<StepRecord> steps;
  bool has_ended = false;
  bool is_way_back = false; // the way back has begun
  std::string state;        // journal name of the step that is next or under way
  std::string next;         // what `belay resume` would do, one sentence
  std::optional<domain::Outcome> outcome;
  std::string failed_step;            // the first failure; empty for none
  std::string why;                    // its message, with the number that failed
  std::optional<domain::Level> level; // of the way back
  std::vector<std::string> evidence;  // what decided it, one line a store
  std::vector<GateRecord> gates;
  std::vector<LogTail> logs;
  std::vector<domain::Abandoned> abandoned;
  std::vector<LedgerFact> ledgers; // what the migrations have left
  std::int64_t downtime_ms = -1;   // from the stop to the first ready; -1: was never down
  std::int64_t total_ms = 0;
};

base::Result<OperationView> view(world::World world, const state::Folder& folder,
                                 const std::string& operation);

} // namespace engine
