#pragma once
// Scenario: a stack of two services and two stores in a simulated machine, driven by the real
// engine through the real drivers, and the checkers that look at the whole state afterwards.

#include "engine/engine.hpp"
#include "sim/sim_world.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace scenario {

enum class Kind {
  upgrade_good,      // 2 is fine
  upgrade_migrates,  // 2 changes the layout of both stores, and is fine
  upgrade_not_ready, // 2 changes the layout and never becomes ready
  upgrade_damages,   // 2 answers its health check and loses half of the data
  upgrade_dies,      // 2 is ready, and ends during the watch
  upgrade_backlog,   // 2 is healthy, and its queue grows during the watch
  upgrade_stubborn,  // 1 ignores TERM, 2 is fine
  upgrade_sql,       // two files of SQL move the ledger alone; 2 never becomes ready
  rollback_later,    // 2 was committed (layout changed); the operator goes back to 1
};
inline constexpr std::array all_kinds{
    Kind::upgrade_good,     Kind::upgrade_migrates, Kind::upgrade_not_ready,
    Kind::upgrade_damages,  Kind::upgrade_dies,     Kind::upgrade_backlog,
    Kind::upgrade_stubborn, Kind::upgrade_sql,      Kind::rollback_later};
const char* name_of(Kind kind);

class Scenario {
public:
  explicit Scenario(Kind kind, std::uint64_t seed = 1);
  ~Scenario();

  sim::SimWorld& world();
  // Copy the machine as it stands, so that a history can begin here again.
  std::unique_ptr<Scenario> clone() const;
  // The same, as a crash at this moment leaves it.
  std::unique_ptr<Scenario> clone_crashed(bool with_power_cut) const;

  // The operation under test, from its beginning; throws sim::Crash when the armed fault says so.
  base::Result<engine::Ended> begin();
  // What a person, or a boot script, does after a crash.
  base::Result<engine::Ended> resume();

  // Empty when all invariants hold; else what is broken. `is_final`: nothing is in progress now.
  std::string broken(const base::Result<engine::Ended>& ended) const;
  // After a history without a fault: the ending and the level that this scenario is made for.
  std::string unexpected(const base::Result<engine::Ended>& ended) const;
  void print_journal() const; // of the newest operation, for people
  bool is_in_progress();
  void note_power_cut(); // a machine that was cut off may be found with nothing running

private:
  struct Parts;
  Scenario() = default;
  std::unique_ptr<Parts> parts_;
};

} // namespace scenario
