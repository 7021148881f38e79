#pragma once
// ServedArchives: the archives of a folder that the playbook's variables ask for, by the clock.
// Each run is a belay of its own, as the routines of a stack are.

#include "app/km_settings.hpp"
#include "schedule/timing.hpp"
#include "serve/archive_view.hpp"
#include "serve/routine_run.hpp"

#include <optional>
#include <string>

namespace serve {

class ServedArchives {
public:
  // `settings`: nothing when they are not enabled; then nothing is done, and that is told.
  ServedArchives(app::Host host, std::optional<app::KmSettings> settings, std::string program,
                 Tell tell);

  // As that of ServedStack.
  void tick(bool may_begin);
  bool is_running() const { return !running_.empty(); }
  bool has_begun() const { return has_looked_; } // everything was looked at once
  world::TimePoint wake_at() const { return wake_at_; }
  ArchiveView view() const;

private:
  base::Result<> look();
  base::Result<> look_at_running();
  base::Result<> look_at_archives();
  base::Result<> begin_due();
  base::Result<> begin(state::RoutineRecord& record, world::TimePoint planned);
  base::Result<> end(std::optional<int> status);
  base::Result<state::RoutineRecord> remembered(const std::string& name);
  state::RoutineRecord& running_record();
  RoutinePlace place() const;
  void tell(const std::string& text, Level level = Level::info) const;

  app::Host host_;
  std::optional<app::KmSettings> settings_;
  std::string program_;
  Tell tell_;
  std::optional<schedule::Timing> timing_;
  state::RoutineRecord backup_;
  state::RoutineRecord verify_;
  std::optional<state::LastArchive> last_;
  std::optional<state::ArchiveNote> recovered_;
  std::optional<schedule::Due> due_;
  std::string running_;          // "backup", "verify"; empty: neither
  bool is_verify_wanted_ = true; // which of the archives that are there is whole is not known
  bool has_looked_ = false;
  std::string problem_;
  world::TimePoint wake_at_;
};

} // namespace serve
