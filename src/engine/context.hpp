#pragma once
// Context: one operation under way: its plan, what its journal says, and what the steps may use.

#include "engine/engine.hpp"
#include "engine/record.hpp"
#include "engine/table.hpp"
#include "journal/journal.hpp"

#include <set>
#include <string>
#include <vector>

namespace engine {

// What the operation is to come back to.
struct Target {
  int generation = 0; // 0: what it was has no generation
  std::string label;
  std::vector<domain::Release> releases; // empty: nothing ran
  std::vector<state::ConfigFile> config;
  std::vector<domain::Snapshot> snapshots; // those that still can be brought back
};

class Context {
public:
  // Replays the journal; corrupt when it is not a path through the table.
  static base::Result<Context> open(world::World world, const Settings& settings, Drivers drivers,
                                    state::Folder& folder, state::Plan plan);

  // Append records in one durable write, using the reserve when the disk is full, and take over
  // what they say.
  base::Result<> write(const std::vector<Record>& records);
  base::Result<> write(const Record& record) { return write(std::vector{record}); }
  Record record(RecordEvent event) const { return record(event, state); }
  Record record(RecordEvent event, State step) const; // with the time

  base::Result<Target> target() const;
  const domain::StoreSpec* store(const std::string& name) const;
  bool has_begun(State step) const { return begun.contains(step); }
  void say(world::EventKind kind, const std::string& text) const;
  world::Progress progress() const;

  world::World world;
  const Settings& settings;
  Drivers drivers;
  state::Folder& folder;
  state::Plan plan;
  State state = State::check;
  std::set<State> begun;     // steps that were begun, ever
  bool is_under_way = false; // the last record is a begin: we died inside `state`
  bool has_ended = false;
  std::string last_boot; // boot id when the operation was last seen alive
  // Facts from the steps that are done:
  std::vector<KeptReading> baseline;
  std::vector<domain::Release> releases_to;
  std::vector<domain::Snapshot> snapshots;
  std::vector<LedgerFact> ledgers; // what the migrations have left
  std::size_t expanded = 0;        // the first migrations, which are whole since `expand`
  domain::Level level = domain::Level::automatic;       // decided by hold
  domain::Level level_min = domain::Level::restart;     // raised by escalate
  domain::Level level_asked = domain::Level::automatic; // by the trigger that fired
  std::vector<std::string> stores_back;
  std::vector<domain::Abandoned> abandoned;
  std::string failed_step; // the first failure, and why
  std::string why;
  std::string level_why;          // the reason that decided the level of the way back
  State failed_in = State::check; // where the way back, or the end, began

private:
  Context(world::World world_ports, const Settings& frozen, Drivers all,
          state::Folder& state_folder, state::Plan frozen_plan, journal::Journal journal)
      : world{world_ports}, settings{frozen}, drivers{all}, folder{state_folder},
        plan{std::move(frozen_plan)}, log_{std::move(journal)} {}
  base::Result<> take(const Record& record);
  Record without_secrets(Record record) const;
  journal::Journal log_;
};

} // namespace engine
