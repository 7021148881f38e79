#pragma once
// ServedStack: the scheduled work of one stack. Each routine is a belay of its own, which outlives
// us: what it does survives our end, and a later one of us finds it again.

#include "app/app.hpp"
#include "schedule/timing.hpp"
#include "serve/line.hpp"
#include "serve/routine_run.hpp"
#include "serve/view.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace serve {

class ServedStack {
public:
  // `host` names the belay.yaml. `program`: what runs a routine.
  ServedStack(app::Host host, std::string program, Tell tell);

  // Looks at everything once: ends what ended, begins what is due if `may_begin`. Waits for
  // nothing. An error is told, and is part of the view. Whoever calls it again after a crash goes
  // on.
  void tick(bool may_begin);

  bool is_running() const { return !running_.empty(); }
  // What a crash left is ended, or known: a routine that runs still, or a record that is harmed.
  bool has_begun() const;
  bool is_unusable() const { return !loaded_.has_value(); } // its belay.yaml was never good
  world::TimePoint wake_at() const { return wake_at_; }     // when to tick next, at the latest
  StackView view() const;
  base::Result<> read_only(); // instead of tick(): what is remembered, and what is due next
  const std::string& name() const { return name_; }

private:
  struct Routine {
    state::RoutineRecord record;
    std::optional<schedule::Timing> timing; // nothing: only after another routine
    std::string when;
    std::optional<schedule::Due> due;
  };
  base::Result<> look();
  base::Result<> take_config();
  base::Result<> take_routine(const std::string& name, const domain::TimingSpec* timing);
  base::Result<> look_at_running();
  base::Result<> finish(Routine& routine, std::optional<int> status);
  base::Result<> begin_due();
  void find_due(Routine& routine) const;
  base::Result<> begin(Routine& routine, world::TimePoint planned);
  base::Result<> skip(Routine& routine, world::TimePoint planned, const std::string& why);
  base::Result<> look_at_operation();
  base::Result<std::vector<std::string>> arguments_of(const std::string& name) const;
  base::Result<> write(const state::RoutineRecord& record);
  void tell(const std::string& text, Level level = Level::info) const {
    tell_({level, name_, text});
  }
  RoutinePlace place() const;

  app::Host host_;
  std::string program_;
  Tell tell_;
  std::string name_; // of the stack; of the file until it was read
  std::string config_text_;
  std::string config_problem_;
  std::optional<config::Loaded> loaded_;
  std::map<std::string, Routine> routines_;
  std::optional<state::LastBackup> last_backup_;
  std::optional<state::LastDrill> last_drill_;
  std::string running_; // name of the routine that runs; empty: none
  std::string wanted_;  // name of the routine that comes next whatever the clock says
  std::string operation_;
  bool is_operation_ownerless_ = false;
  bool has_resumed_ = false;
  bool is_looked_at_only_ = false;
  world::TimePoint wake_at_;
};

// What a stack remembers, looked at from outside; begins nothing and changes nothing.
base::Result<StackView> remembered(const app::Host& host);

// How old the newest restore point may be before it is an alarm.
std::optional<world::Milliseconds> age_max_of(const domain::Stack& stack, world::TimePoint now);
std::optional<world::Milliseconds> age_max_of(const schedule::Timing& timing, world::TimePoint now);
// "0 2 * * * Europe/Berlin", "every 12h".
std::string words_of(const domain::TimingSpec& timing);
schedule::Timing timing_of(const domain::TimingSpec& spec); // of what config has checked

} // namespace serve
