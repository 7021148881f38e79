#include "app/km_backup.hpp"

#include "app/km_archives.hpp"
#include "base/text.hpp"
#include "repo/archive.hpp"
#include "repo/folder_tar.hpp"
#include "repo/new_archive.hpp"

#include <algorithm>

namespace app {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::Entry;
using world::TimePoint;

namespace {

constexpr auto km_script_time_max = std::chrono::hours{24};
constexpr int km_names_tried_max = 5;
constexpr std::size_t km_complaint_bytes_max = 300;

TimePoint time_of_moment(const world::Moment& moment) {
  return TimePoint{std::chrono::seconds{moment.seconds}} +
         std::chrono::duration_cast<TimePoint::duration>(
             std::chrono::nanoseconds{moment.nanoseconds});
}

std::string last_line_of(std::string text) {
  while (text.ends_with('\n'))
    text.pop_back();
  const auto begin = text.rfind('\n');
  return base::printable(begin == std::string::npos ? text : text.substr(begin + 1))
      .substr(0, km_complaint_bytes_max);
}

class KmWork {
public:
  KmWork(const Host& host, const RepoPorts& ports, const KmSettings& settings)
      : host_{host}, ports_{ports}, settings_{settings}, files_{host.world.files} {}

  Result<KmBackup> take() {
    source_ = TRY(source());
    TRY(files_.create_folders(settings_.destination));
    TRY(begin());
    if (source_ == destination_)
      return Error{ErrorKind::invalid_input,
                   "the archives would lie in '" + source_ + "', which they are of",
                   "Set KM_BACKUP_DEST_PATH to another folder; one below it is left out."};
    TRY(remove_parts());
    KmBackup done;
    done.archive = settings_.script.empty() ? TRY(make(done)) : TRY(make_by_script());
    TRY(state::write_last_archive(files_, km_state_folder(settings_), done.archive));
    remove_older(done);
    if (!done.archive.prune_problem.empty())
      TRY(state::write_last_archive(files_, km_state_folder(settings_), done.archive));
    return done;
  }

  Result<KmVerified> verify() {
    if (!TRY(files_.info(settings_.destination)))
      return none();
    TRY(begin());
    std::vector<KmArchive> archives = TRY(list());
    if (archives.empty())
      return none();
    sort_km_archives(archives);
    KmVerified found;
    for (const KmArchive& archive : archives) {
      const std::string path = settings_.destination + "/" + archive.name;
      const auto summary = verified(path);
      if (!summary) {
        found.harmed.push_back(archive.name + ": " + summary.error().message);
        continue;
      }
      found.archive = TRY(record_of(path, archive.at, summary.value().entries));
      TRY(state::write_last_archive(files_, km_state_folder(settings_), found.archive));
      return found;
    }
    return Error{ErrorKind::corrupt, "no archive is whole: " + found.harmed.front(),
                 "Look at the disk that '" + settings_.destination + "' lies on."};
  }

private:
  Error none() const {
    return {ErrorKind::not_found, "there is no archive in '" + settings_.destination + "'",
            "Take one with 'belay backup --environment'."};
  }

  Result<std::string> source() const {
    const auto real = files_.resolve(settings_.source);
    const auto info =
        real ? files_.info(real.value())
             : Result<std::optional<world::EntryInfo>>{std::optional<world::EntryInfo>{}};
    if (!info || !info.value() || info.value()->kind != world::EntryKind::folder)
      return Error{ErrorKind::not_found, "Source directory not found: " + settings_.source,
                   "Set KM_STATE_PATH to the folder of the state; mount it, if it is a mount."};
    return real.value();
  }

  Result<> begin() {
    destination_ = TRY(files_.resolve(settings_.destination));
    const std::string folder = km_state_folder(settings_);
    TRY(files_.create_folders(folder));
    const world::ProcessId self = TRY(host_.world.processes.self());
    auto held =
        files_.lock(folder + "/lock", "pid " + std::to_string(self.pid) + " since " +
                                          base::format_time(host_.world.clock.now()) + "\n");
    if (!held && held.error().kind == ErrorKind::conflict)
      return Error{ErrorKind::locked,
                   "another belay is at work in '" + settings_.destination +
                       "': " + base::printable(held.error().message),
                   "Wait until it has ended."};
    lock_ = TRY(std::move(held));
    return ok();
  }

  Result<> remove_parts() {
    for (const std::string& name : TRY(files_.list(destination_)))
      if (is_km_part_name(name))
        TRY(files_.remove(destination_ + "/" + name));
    return ok();
  }

  Result<std::vector<KmArchive>> list() {
    std::vector<KmArchive> archives;
    const auto folder = TRY(ports_.folders.open(destination_));
    for (const Entry& entry : TRY(folder->list()))
      if (entry.type == world::EntryType::file && is_km_archive_name(entry.name))
        archives.push_back(
            {entry.name, km_archive_time(entry.name).value_or(time_of_moment(entry.mtime))});
    return archives;
  }

  Result<state::LastArchive> record_of(const std::string& path, TimePoint at,
                                       std::uint64_t entries) {
    return state::LastArchive{.at = at,
                              .path = path,
                              .bytes = TRY(ports_.folders.look(path)).size_bytes,
                              .entries = entries,
                              .prune_problem = {}};
  }

  // corrupt, failed: it is not what it should be.
  Result<repo::ArchiveSummary> verified(const std::string& path) {
    const auto folder = TRY(ports_.folders.open(base::parent_of(path)));
    const auto file = TRY(folder->open_file(base::name_of_path(path)));
    const auto summary = TRY(repo::verify_archive(*file, path));
    if (summary.is_dump)
      return Error{ErrorKind::corrupt, "'" + path + "' is no archive", ""};
    if (summary.bytes == 0)
      return empty(path);
    return summary;
  }
  Error empty(const std::string& path) const {
    return {ErrorKind::failed,
            "'" + path + "' holds no data: there is none in '" + settings_.source + "'",
            "Look whether KM_STATE_PATH is the folder that the gateway writes to, and mounted."};
  }

  Result<std::string> new_path(TimePoint& at) {
    for (int i = 0; i < km_names_tried_max; ++i) {
      at = std::chrono::floor<std::chrono::seconds>(host_.world.clock.now());
      const std::string path = settings_.destination + "/" + km_archive_name(at);
      if (!TRY(files_.info(path)))
        return path;
      host_.world.clock.sleep_for(std::chrono::seconds{1}); // one of this second is there
    }
    return Error{ErrorKind::conflict, "archives of this moment are there already",
                 "Look at the machine's clock."};
  }

  Result<state::LastArchive> make(KmBackup& done) {
    TimePoint at;
    const std::string path = TRY(new_path(at));
    repo::FolderTarOptions how{
        .exclude = {},
        .note_name = km_note_name,
        .note_text = state::to_json(state::ArchiveNote{at, base::name_of_path(path)})};
    if (base::is_inside(destination_, source_))
      how.exclude.push_back(destination_.substr(source_.size() + 1));
    repo::NewArchive archive{ports_.folders, files_, path};
    TRY(archive.begin());
    const auto write = [&](std::string_view bytes) -> Result<> {
      if (host_.world.clock.stop_requested())
        return Error{ErrorKind::interrupted, "asked to stop: no archive was made", ""};
      return archive.write(bytes);
    };
    const auto report = TRY(repo::write_folder_tar(ports_.folders, ports_.machine, source_, how,
                                                   repo::Packing::gzip, write));
    if (report.archive.bytes == how.note_text.size())
      return empty(path);
    TRY(archive.end(ports_.machine.identity(), host_.world.clock.now(), report.archive));
    done.torn = report.torn;
    auto record = TRY(record_of(path, at, report.archive.entries));
    record.torn = report.torn_count;
    return record;
  }

  Result<state::LastArchive> make_by_script() {
    const std::string& script = settings_.script;
    const auto info = TRY(files_.info(script));
    if (!info)
      return Error{ErrorKind::not_found, "Backup script not found: " + script,
                   "Correct KM_BACKUP_SCRIPT, or leave it out: belay makes the archive then."};
    const TimePoint began = host_.world.clock.now();
    const auto before = TRY(ports_.folders.open(destination_));
    const std::vector<Entry> were = TRY(before->list());
    const auto output = TRY_CONTEXT(
        host_.world.processes.run({.argv = {script},
                                   .working_folder = settings_.folder,
                                   .environment = {{"KM_BACKUP_SOURCE", settings_.source},
                                                   {"KM_BACKUP_DEST", settings_.destination}},
                                   .input = {},
                                   .input_path = {},
                                   .output_path = {},
                                   .timeout = km_script_time_max}),
        "KM_BACKUP_SCRIPT");
    if (output.exit_code != 0)
      return script_error("failed with exit status " + std::to_string(output.exit_code) + ": " +
                          last_line_of(output.err.empty() ? output.out : output.err));
    const std::string said = km_reported_path(output.out);
    if (said.empty())
      return script_error("ended well, but never said 'Backup written to PATH'");
    return judge(said, began, were);
  }

  Error script_error(const std::string& what) const {
    return {ErrorKind::failed, "'" + settings_.script + "' " + what,
            "Run it by hand, with KM_BACKUP_SOURCE and KM_BACKUP_DEST set as belay sets them."};
  }

  // What it says is believed as far as it can be seen: an archive, made by this run, and whole.
  Result<state::LastArchive> judge(const std::string& said, TimePoint began,
                                   const std::vector<Entry>& were) {
    const auto real = files_.resolve(base::absolute_path(said, settings_.folder));
    if (!real)
      return script_error("says that it wrote '" + base::printable(said) +
                          "', where there is nothing");
    const std::string& path = real.value();
    const Entry now = TRY(ports_.folders.look(path));
    const bool was_there = std::ranges::any_of(were, [&](const Entry& entry) {
      return entry.inode == now.inode && entry.device == now.device && entry.ctime == now.ctime;
    });
    // A file system may be a little behind the clock.
    if (was_there || time_of_moment(now.ctime) < began - std::chrono::seconds{2})
      return script_error("says that it wrote '" + base::printable(said) +
                          "', which was there before");
    auto summary = verified(path);
    if (!summary)
      return script_error("wrote what is no good: " + summary.error().message);
    return record_of(path, began, summary.value().entries);
  }

  // The archive is there and whole, whatever comes of this.
  void remove_older(KmBackup& done) {
    const auto remove = [&]() -> Result<> {
      const std::string written = base::name_of_path(done.archive.path);
      for (const std::string& name : km_archives_to_remove(TRY(list()), settings_.keep, written)) {
        TRY(files_.remove(destination_ + "/" + name));
        done.removed.push_back(name);
      }
      return ok();
    };
    if (const auto removed = remove(); !removed)
      done.archive.prune_problem = removed.error().message;
  }

  const Host& host_;
  const RepoPorts& ports_;
  const KmSettings& settings_;
  world::Files& files_;
  std::string source_;
  std::string destination_;
  std::unique_ptr<world::Lock> lock_;
};

} // namespace

Result<KmBackup> take_km_backup(const Host& host, const RepoPorts& ports,
                                const KmSettings& settings) {
  return KmWork{host, ports, settings}.take();
}

Result<KmVerified> verify_km_archives(const Host& host, const RepoPorts& ports,
                                      const KmSettings& settings) {
  return KmWork{host, ports, settings}.verify();
}

} // namespace app
