#pragma once
// App: one function per use case, for every face. Nothing is printed here, and nothing is decided
// that the engine decides.

#include "config/config.hpp"
#include "engine/engine.hpp"
#include "engine/judging.hpp"
#include "state/folder.hpp"
#include "world/world.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace app {

// The drivers of one stack; made by the composition root, so that nobody here knows their types.
class Machinery {
public:
  virtual ~Machinery() = default;
  virtual engine::Drivers drivers() = 0;
};
// `tags`: added to the environment of smoke tests and probe commands.
using MakeMachinery = std::function<std::unique_ptr<Machinery>(const domain::Stack& stack,
                                                               const world::Environment& tags)>;

struct Host {
  world::World world;
  config::Environment environment;
  std::string config_path; // absolute
  MakeMachinery make;
};

base::Result<config::Loaded> load(const Host& host);

// `stack` empty: the one of belay.yaml; else it must be its name.
base::Result<state::Plan> plan_upgrade(const Host& host, const std::string& stack,
                                       const engine::UpgradeRequest& request);
base::Result<state::Plan> plan_rollback(const Host& host, const std::string& stack,
                                        const engine::RollbackRequest& request);
base::Result<engine::Ended> apply(const Host& host, const state::Plan& plan,
                                  const engine::RunOptions& options);

struct Resumed {
  engine::Ended ended;
  state::OperationKind kind = state::OperationKind::upgrade;
};
// Both use the belay.yaml that was frozen with the operation. not_found: nothing is in progress.
base::Result<Resumed> resume(const Host& host, const engine::RunOptions& options);
// nullopt: the belay that runs the upgrade was asked to go back; else it was done here.
base::Result<std::optional<Resumed>> abort(const Host& host);
// Accept before the watch ends. nullopt: the belay that runs the operation was asked to; else it
// was resumed here, for nobody runs it.
base::Result<std::optional<Resumed>> commit(const Host& host, const std::string& stack);

struct ServiceStatus {
  std::string name;
  bool is_running = false;
  std::string label; // of the generation's release
  std::string detail;
  std::vector<std::string> drift;
};
struct Status {
  std::string stack;
  int generation = 0;
  std::string label;
  std::vector<ServiceStatus> services;
  std::vector<std::string> drift;   // of the config files
  std::vector<std::string> ledgers; // "db: belay_migrations at 0004_d.sql (4 applied)"
  std::optional<engine::OperationView> operation; // in progress
  bool owner_is_alive = false;
  std::string owner;
  std::string newest_point;
};
base::Result<Status> status(const Host& host);

base::Result<std::vector<state::RestorePoint>> points(const Host& host); // oldest first
base::Result<std::vector<engine::OperationView>> history(const Host& host);
base::Result<engine::OperationView> report(const Host& host, const std::string& operation);
// Every verdict of the judge on an operation (empty: the newest), from its stored readings.
base::Result<engine::Replay> replay(const Host& host, const std::string& operation);
// Take readings of the judge's probes for so long, as history to tell noise by.
base::Result<engine::Recorded> record_history(const Host& host, world::Milliseconds duration);
// Copies what was written in an abandoned set, and is not in the live data, into a new folder.
base::Result<std::vector<std::string>> export_abandoned(const Host& host, const std::string& id,
                                                        const std::string& into);
// Id of the operation in progress; empty for none. Never fails: it decides an exit status only.
std::string in_progress(const Host& host);
// The words of a belay that is at work on the operation in progress; empty for none.
std::string owner_at_work(const Host& host);

} // namespace app
