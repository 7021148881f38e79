#pragma once
// HeldLines: lines of crontabs that are kept from cron for the time of an operation. A held line is
// a comment that names whose it is (checks/crontab.hpp); one replace() holds those of a file, and
// one gives them back, whatever else was changed in it meanwhile. Before that, the file as it was
// is kept as <state>/run/held-<operation>!var!spool!cron!crontabs!root, for people.

#include "checks/crontab.hpp"
#include "domain/other_hands.hpp"
#include "domain/preflight_spec.hpp"
#include "world/world.hpp"

#include <set>
#include <string>
#include <vector>

namespace app {

class HeldLines final : public domain::OtherHands {
public:
  HeldLines(world::World world, std::vector<domain::HoldLineSpec> lines, std::string state_folder,
            checks::Holder holder)
      : world_{world}, lines_{std::move(lines)},
        state_folder_{std::move(state_folder)}, holder_{std::move(holder)} {}

  // conflict: another operation holds such a line, and would give it back in the middle of ours.
  base::Result<> hold() override;
  // A line that is gone, neither held nor as it was, is told, and the kept file stays.
  base::Result<> let_go() override;

private:
  std::string kept_name(const std::string& crontab) const;
  base::Result<std::string> held(const std::string& crontab, const std::string& text);
  base::Result<> let_go_in(const std::string& crontab);
  base::Result<> tell_lost(const std::string& crontab, const std::string& now);
  std::set<std::string> crontabs() const;

  world::World world_;
  std::vector<domain::HoldLineSpec> lines_;
  std::string state_folder_;
  checks::Holder holder_;
  std::set<std::string> told_;
};

// cron looks at times of change in whole seconds: what is changed twice in one, with a look of
// cron's between, it never reads again. Waits until the next second begins.
void wait_for_cron(world::Clock& clock);

} // namespace app
