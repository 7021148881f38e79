#include "serve/served_archives.hpp"

#include "app/km_archives.hpp"
#include "app/km_backup.hpp"
#include "base/text.hpp"
#include "serve/served_stack.hpp"

#include <algorithm>

namespace serve {

using base::ErrorKind;
using base::ok;
using base::Result;
using state::RoutineOutcome;
using state::RoutineRecord;
using world::TimePoint;

namespace {

constexpr std::size_t note_bytes_max = 4096;

} // namespace

ServedArchives::ServedArchives(app::Host host, std::optional<app::KmSettings> settings,
                               std::string program, Tell tell)
    : host_{std::move(host)}, settings_{std::move(settings)}, program_{std::move(program)},
      tell_{std::move(tell)} {
  if (settings_)
    timing_ = timing_of(settings_->timing);
}

void ServedArchives::tell(const std::string& text, Level level) const {
  tell_({level, "", "KM_BACKUP: " + text});
}

RoutinePlace ServedArchives::place() const {
  return {host_, program_, app::km_state_folder(*settings_), settings_->folder};
}

void ServedArchives::tick(bool may_begin) {
  const TimePoint now = host_.world.clock.now();
  wake_at_ = now + look_at_all_again;
  if (!settings_) {
    has_looked_ = true;
    return;
  }
  auto looked = look();
  if (looked && may_begin && running_.empty())
    looked = begin_due();
  has_looked_ = true;
  if (!looked) {
    if (problem_ != looked.error().message)
      tell(looked.error().message, Level::error);
    problem_ = looked.error().message;
    wake_at_ = now + look_after_an_error;
    return;
  }
  problem_.clear();
  if (!running_.empty())
    wake_at_ = now + look_at_running_again;
  else if (!may_begin)
    wake_at_ = now + wait_for_a_place;
  else if (due_)
    wake_at_ = std::min(wake_at_, due_->at);
}

Result<> ServedArchives::look() {
  const bool is_first = backup_.name.empty();
  // Also when somebody has put another folder in its place: that one's memory counts then.
  if (is_first || !TRY(host_.world.files.info(app::km_state_folder(*settings_)))) {
    backup_ = TRY(remembered("backup"));
    verify_ = TRY(remembered("verify"));
    is_verify_wanted_ = true;
    if (is_first)
      running_ = backup_.is_running() ? "backup" : verify_.is_running() ? "verify" : "";
  }
  TRY(look_at_running());
  return look_at_archives();
}

Result<RoutineRecord> ServedArchives::remembered(const std::string& name) {
  const std::string folder = app::km_state_folder(*settings_);
  if (auto found = TRY(state::read_routine(host_.world.files, folder, name)))
    return *found;
  RoutineRecord record{.name = name, .since = host_.world.clock.now()};
  TRY(state::write_routine(host_.world.files, folder, record)); // since when it waits
  return record;
}

Result<> ServedArchives::look_at_running() {
  if (running_.empty() || TRY(is_run_alive(place(), running_)))
    return ok();
  return end(status_left(place(), running_));
}

RoutineRecord& ServedArchives::running_record() {
  return running_ == "backup" ? backup_ : verify_;
}

Result<> ServedArchives::end(std::optional<int> status) {
  RoutineRecord& record = running_record();
  const std::uint64_t removed = record.removed_all;
  TRY(end_run(place(), record, status));
  // The line of a good run ends in the path, as that of the helper script does.
  tell(words_of_end(record), level_of_end(record));
  if (record.removed_all > removed)
    tell("removed " +
         base::plural(record.removed_all - removed, "older archive", "older archives"));
  running_.clear();
  return ok();
}

Result<> ServedArchives::look_at_archives() {
  world::Files& files = host_.world.files;
  const bool was_there = last_.has_value();
  last_ = TRY(state::read_last_archive(files, app::km_state_folder(*settings_)));
  const auto info =
      last_ ? files.info(last_->path)
            : Result<std::optional<world::EntryInfo>>{std::optional<world::EntryInfo>{}};
  if (!info || !info.value() || info.value()->size_bytes != last_->bytes)
    last_.reset();
  if (was_there && !last_)
    is_verify_wanted_ = true; // an older one may be there
  const auto note = files.read(settings_->source + "/" + app::km_note_name, note_bytes_max);
  const auto read =
      note ? state::archive_note_from_json(note.value()) : Result<state::ArchiveNote>{note.error()};
  recovered_ = read ? std::optional{read.value()} : std::nullopt;
  return ok();
}

Result<> ServedArchives::begin_due() {
  const TimePoint now = host_.world.clock.now();
  due_ = schedule::next_due(*timing_,
                            {.since = backup_.since,
                             .planned = backup_.planned,
                             .ended = backup_.ended,
                             .failures = backup_.failures,
                             .was_skipped = backup_.outcome == RoutineOutcome::skipped},
                            now, 0);
  if (due_ && due_->at <= now)
    return begin(backup_, due_->planned);
  if (last_ || !is_verify_wanted_)
    return ok();
  is_verify_wanted_ = false;
  const auto names = TRY(host_.world.files.list(settings_->destination));
  return std::ranges::any_of(names, app::is_km_archive_name) ? begin(verify_, now) : ok();
}

Result<> ServedArchives::begin(RoutineRecord& record, TimePoint planned) {
  std::vector<std::string> argv{"--json", "backup", "--environment"};
  if (record.name == "verify")
    argv.emplace_back("--verify");
  const bool has_begun = TRY(begin_run(place(), record, planned, argv));
  running_ = record.name;
  tell(record.name + " begins");
  return has_begun ? ok() : end(1);
}

ArchiveView ServedArchives::view() const {
  ArchiveView view;
  view.is_enabled = settings_.has_value();
  if (!settings_ || !has_looked_)
    return view;
  view.problem = problem_;
  view.destination = settings_->destination;
  view.record = backup_;
  if (due_ && !backup_.is_running())
    view.next = due_->at;
  view.age_max = age_max_of(*timing_, host_.world.clock.now());
  view.is_looking = running_ == "verify" || (is_verify_wanted_ && !last_);
  view.last = last_;
  if (!last_ && running_ != "verify" && verify_.outcome == RoutineOutcome::failed)
    view.verify_problem = verify_.detail;
  if (backup_.outcome == RoutineOutcome::failed)
    view.last_failure = backup_.ended;
  view.recovered = recovered_;
  return view;
}

} // namespace serve
