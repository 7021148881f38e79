#pragma once
// HeldUnits: timers and path units that wake others than the stack's own services, held for the
// time of an operation. Decision: docs/adr/0008-systemd-units.md.
//
//   <state>/run/held-units                              those that were active, to be started again
//   /etc/systemd/system/UNIT.d/zz-belay-hold.conf       only from `hold` to `let_go`

#include "domain/other_hands.hpp"
#include "drivers/systemd/files.hpp"
#include "drivers/systemd/manager.hpp"

#include <string>
#include <vector>

namespace drivers::systemd {

class HeldUnits final : public domain::OtherHands {
public:
  // `units_folder`: "/etc/systemd/system".
  HeldUnits(world::World world, std::vector<std::string> units, std::string stack,
            const std::string& state_folder, std::string units_folder)
      : world_{world}, units_{std::move(units)}, stack_{std::move(stack)},
        record_{state_folder + "/run/held-units"},
        units_folder_{std::move(units_folder)}, manager_{world} {}

  // conflict: an operation of another stack holds it, and would start it in the middle of ours.
  base::Result<> hold() override;
  // One that does not start is told, and keeps none of the others down.
  base::Result<> let_go() override;

private:
  std::string drop_in(const std::string& unit) const;
  base::Result<Held> held_now();
  base::Result<> check_held(const std::vector<std::string>& units);
  base::Result<bool> remove_drop_ins(const std::vector<std::string>& units);
  world::World world_;
  std::vector<std::string> units_;
  std::string stack_;
  std::string record_;
  std::string units_folder_;
  Manager manager_;
};

} // namespace drivers::systemd
