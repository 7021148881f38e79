#include "app/stack_backup.hpp"

#include "app/room.hpp"
#include "app/stack.hpp"
#include "base/text.hpp"
#include "repo/copy.hpp"
#include "state/routines.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace app {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

// A path as a pattern of Excludes that matches just it.
std::string pattern_of(const std::string& path) {
  std::string pattern;
  for (const char c : path) {
    if (std::string_view{"*?[]\\"}.contains(c))
      pattern += '\\';
    pattern += c;
  }
  return pattern;
}

// One backup under way.
class Taking {
public:
  Taking(const Host& host, const RepoPorts& ports, const domain::Stack& stack,
         engine::Drivers drivers, state::Folder& folder, const StackBackupRequest& request)
      : host_{host}, ports_{ports}, stack_{stack}, drivers_{drivers}, folder_{folder},
        request_{request} {}

  Result<StackBackup> take(repo::Repository& repository) {
    const auto lock = TRY(hold_stack(folder_, stack_, drivers_, "backup"));
    TRY(describe());
    TRY(look_at_disk(repository));
    TRY(folder_.begin_point(point_.id));
    auto taken = write(repository);
    // The copies were made for this alone. What cannot go now goes before the next backup.
    if (auto gone = discard_point(folder_, stack_, drivers_, point_.id); !gone)
      notice("copies for the backup are left: " + gone.error().message);
    return taken;
  }

private:
  void notice(const std::string& text) const {
    if (request_.notice)
      request_.notice(text);
  }

  void tell(const Doing& doing) const {
    if (request_.tell)
      request_.tell(doing);
  }

  Result<> describe() {
    const world::TimePoint now = host_.world.clock.now();
    point_.id = "p-" + base::compact_time(now) + "-" + host_.world.random.hex(4);
    point_.stack = stack_.name;
    point_.at = base::format_time(now);
    point_.generation = TRY(folder_.current_generation());
    if (const auto runs = TRY(folder_.generation(point_.generation));
        runs && point_.generation > 0) {
      point_.label = runs->label;
      point_.releases = runs->releases;
    }
    return ok();
  }

  // For the copies beside the stores; and for a first snapshot into a folder of this machine, of
  // which nothing can be known to be there already.
  Result<> look_at_disk(repo::Repository& repository) {
    Room room{host_.world.files};
    for (const domain::StoreSpec& spec : stack_.stores) {
      domain::Store& driver = drivers_.of(spec.kind);
      const auto state = TRY_CONTEXT(driver.inspect(spec), "store '" + spec.name + "'");
      if (!state.problems.empty())
        return Error{ErrorKind::failed,
                     "store '" + spec.name + "': " + base::join(state.problems, "; "), ""};
      bytes_ += state.size.bytes;
      sizes_[spec.name] = state.size;
      if (TRY(driver.live_tree(spec)))
        continue;
      if (state.kept_folder.starts_with('/'))
        TRY(room.need(state.kept_folder, state.size.bytes));
      else if (state.free_bytes < state.size.bytes)
        return Room::too_little("for a copy of store '" + spec.name + "'", state.size.bytes,
                                state.free_bytes);
    }
    const std::string location = repository.backend().location();
    if (!repo::backend::is_remote(location) &&
        stored_points(TRY(repository.snapshots()), stack_.name).empty())
      TRY(room.need(location, bytes_));
    return room.check();
  }

  Result<StackBackup> write(repo::Repository& repository) {
    TRY(place_stores());
    TRY(place_config());
    how_.paths = {folder_in_snapshot(stack_.name)};
    how_.placed.push_back({.at = manifest_in_snapshot(stack_.name),
                           .path = {},
                           .bytes = state::to_json(point_),
                           .entry = entry_of(0600)});
    how_.tags = tags_of(point_);
    how_.tags.insert(how_.tags.end(), request_.tags.begin(), request_.tags.end());
    how_.is_everything_read = request_.is_everything_read;
    how_.is_inode_ignored = request_.is_inode_ignored;
    how_.is_all_read_back = true;
    how_.is_torn_tagged = true;
    how_.save = request_.save;
    how_.program_version = request_.program_version;
    StackBackup done{
        .point = point_, .report = {}, .location = repository.backend().location(), .copied = {}};
    done.report = TRY(repo::with_lock(repository, repo::Sharing::shared, [&](repo::Lock& lock) {
      return repo::backup(repository, lock, ports_.folders, how_,
                          [&](const repo::BackupProgress& now) {
                            tell({.text = std::to_string(now.files) + " files",
                                  .done = now.bytes,
                                  .total = now.bytes_before != 0 ? now.bytes_before : bytes_,
                                  .is_guess = true});
                          });
    }));
    return done;
  }

  // The live data where that is good, else a copy that was read back.
  Result<> place_stores() {
    for (const domain::StoreSpec& spec : stack_.stores) {
      const std::string at = store_in_snapshot(stack_.name, spec.name);
      domain::Store& driver = drivers_.of(spec.kind);
      if (const auto live = TRY(driver.live_tree(spec))) {
        how_.placed.push_back({.at = at, .path = live->path, .bytes = {}, .entry = {}});
        for (const std::string& path : live->exclude)
          how_.exclude.push_back(pattern_of(at + "/" + path));
        point_.snapshots.push_back({.store = spec.name,
                                    .kept = at,
                                    .digest = {},
                                    .files = sizes_[spec.name].files,
                                    .bytes = sizes_[spec.name].bytes});
        continue;
      }
      tell({.text = "copying store '" + spec.name + "'"});
      TRY_CONTEXT(place_copy(spec, driver, at), "store '" + spec.name + "'");
    }
    return ok();
  }

  Result<> place_copy(const domain::StoreSpec& spec, domain::Store& driver, const std::string& at) {
    auto report = TRY(driver.take_out(spec, point_.id, {}));
    TRY(driver.verify(spec, report.snapshot, world::Depth::full));
    const std::string kept = report.snapshot.kept;
    const auto info = kept.starts_with('/') ? TRY(host_.world.files.info(kept))
                                            : std::optional<world::EntryInfo>{};
    const bool is_file = info && info->kind == world::EntryKind::file;
    if (!is_file && !(info && info->kind == world::EntryKind::folder))
      return Error{ErrorKind::failed,
                   "its driver keeps its copy as '" + base::printable(kept) +
                       "', which is no file or folder of this machine",
                   "A repository can only take what can be read here."};
    report.snapshot.kept = is_file ? at + "/" + base::name_of_path(kept) : at;
    how_.placed.push_back({.at = report.snapshot.kept, .path = kept, .bytes = {}, .entry = {}});
    point_.snapshots.push_back(std::move(report.snapshot));
    return ok();
  }

  Result<> place_config() {
    const auto config = TRY(state::capture_config(host_.world.files, stack_.config_files));
    point_.config = state::copies_of(config);
    std::set<std::string> seen;
    for (const state::ConfigFile& file : config) {
      if (!file.copy.exists || !seen.insert(file.copy.path).second)
        continue;
      world::Entry entry = entry_of(file.copy.mode);
      entry.user = file.copy.user;
      entry.group = file.copy.group;
      how_.placed.push_back({.at = config_in_snapshot(stack_.name) + file.copy.path,
                             .path = {},
                             .bytes = file.bytes,
                             .entry = std::move(entry)});
    }
    return ok();
  }

  world::Entry entry_of(std::uint32_t mode) {
    const world::Identity self = ports_.machine.identity();
    world::Entry entry{.name = {}, .type = world::EntryType::file, .mode = mode};
    entry.user = self.uid;
    entry.group = self.gid;
    entry.mtime.seconds =
        std::chrono::duration_cast<std::chrono::seconds>(host_.world.clock.now().time_since_epoch())
            .count();
    return entry;
  }

  const Host& host_;
  const RepoPorts& ports_;
  const domain::Stack& stack_;
  engine::Drivers drivers_;
  state::Folder& folder_;
  const StackBackupRequest& request_;
  state::RestorePoint point_;
  repo::BackupOptions how_;
  std::map<std::string, world::TreeSize> sizes_;
  std::uint64_t bytes_ = 0; // of all stores, about
};

// As whoever is to come back with it will: the newest index, the snapshot by its tags.
Result<> read_again(repo::Repository& repository, const state::RestorePoint& point) {
  TRY(repository.load_index());
  const auto snapshot = TRY(find_snapshot(repository, point.id));
  if (TRY(read_manifest(repository, snapshot)) != point)
    return Error{ErrorKind::corrupt, "the manifest of " + point.id + " is not what was written",
                 "Run 'belay repo check --read-data'."};
  return ok();
}

class Copying {
public:
  Copying(repo::Repository& from, repo::Repository& to, const StackBackupRequest& request)
      : from_{from}, to_{to}, request_{request} {}

  // The point `first`, then all others that are missing: one that is harmed holds up no new one.
  Result<> run(const state::RestorePoint& first, std::size_t& count) {
    const auto there = stored_points(TRY(to_.snapshots()), first.stack);
    std::vector<std::string> wanted;
    std::vector<std::string> others;
    for (const StoredPoint& point : stored_points(TRY(from_.snapshots()), first.stack))
      if (std::ranges::find(there, point.id, &StoredPoint::id) == there.end())
        (point.id == first.id ? wanted : others).push_back(point.snapshot.id.hex());
    TRY(copy(std::move(wanted), count));
    TRY(read_again(to_, first));
    return copy(std::move(others), count);
  }

private:
  Result<> copy(std::vector<std::string> snapshots, std::size_t& count) {
    if (snapshots.empty())
      return ok();
    const repo::CopyOptions how{.snapshots = std::move(snapshots),
                                .is_all_read_back = true,
                                .threads = 0,
                                .save = request_.save};
    const auto with_both = [&](repo::Lock& lock) {
      return repo::with_lock(to_, repo::Sharing::shared, [&](repo::Lock& to_lock) {
        return repo::copy({from_, lock}, {to_, to_lock}, how, [&](const repo::CopyProgress& at) {
          if (request_.tell)
            request_.tell({.text = "copying restore point " + std::to_string(at.snapshot) + " of " +
                                   std::to_string(at.snapshots),
                           .done = at.bytes_done,
                           .total = at.bytes_all});
        });
      });
    };
    const auto report = TRY(repo::with_lock(from_, repo::Sharing::shared, with_both));
    for (const auto& each : report.snapshots)
      count += each.is_new ? 1U : 0U;
    return ok();
  }

  repo::Repository& from_;
  repo::Repository& to_;
  const StackBackupRequest& request_;
};

// For whoever asks how old the newest restore point is. It is there without it: no error ends this.
void remember(const Host& host, const domain::Stack& stack, const StackBackup& done,
              const StackBackupRequest& request) {
  const auto& summary = done.report.snapshot.summary;
  const auto written =
      state::write_last_backup(host.world.files, stack.state_folder,
                               {.at = base::parse_time(done.point.at).value(),
                                .point = done.point.id,
                                .location = done.location,
                                .bytes = summary ? summary->bytes : 0,
                                .bytes_stored = summary ? summary->bytes_added_packed : 0,
                                .torn = done.report.torn_count,
                                .has_copy = done.copied && !done.copied->failure});
  if (!written && request.notice)
    request.notice("the backup is whole, but its record is not: " + written.error().message);
}

} // namespace

Result<> remember_copy(const Host& host, repo::Repository& first, repo::Repository& second) {
  const config::Loaded loaded = TRY(load(host));
  const domain::Stack& stack = loaded.stack;
  auto last = TRY(state::read_last_backup(host.world.files, stack.state_folder));
  if (!last || last->has_copy)
    return ok();
  const auto there = stored_points(TRY(second.snapshots()), stack.name);
  if (std::ranges::find(there, last->point, &StoredPoint::id) == there.end())
    return ok();
  for (const StoredPoint& point : stored_points(TRY(first.snapshots()), stack.name))
    if (std::ranges::find(there, point.id, &StoredPoint::id) == there.end())
      return ok();
  last->has_copy = true;
  return state::write_last_backup(host.world.files, stack.state_folder, *last);
}

Result<StackBackup> back_up(const Host& host, const RepoPorts& ports,
                            const StackBackupRequest& request, Trouble& trouble) {
  const config::Loaded loaded = TRY(load(host));
  const domain::Stack& stack = loaded.stack;
  TRY(check_name(loaded, request.stack));
  StackPlace place = TRY(stack_place(host, stack, Where::first, request.notice));
  put_limit(place.place, request.limit);
  place.place.traffic = request.traffic;
  const auto depot = TRY(open_place(host, ports, place, trouble));
  auto folder = TRY(state::Folder::open(host.world, stack.state_folder));
  const auto machinery = host.make(stack, {});
  Taking taking{host, ports, stack, machinery->drivers(), folder, request};
  StackBackup done = TRY(taking.take(depot->repository()));
  TRY(read_again(depot->repository(), done.point));
  if (!stack.repository->copy) {
    remember(host, stack, done, request);
    return done;
  }
  done.copied = StackBackup::Copied{};
  const auto copy = [&]() -> Result<> {
    Trouble unused{};
    StackPlace second = TRY(stack_place(host, stack, Where::copy, request.notice));
    put_limit(second.place, request.limit);
    second.place.traffic = request.traffic;
    const auto other = TRY(open_place(host, ports, second, unused));
    done.copied->location = other->repository().backend().location();
    Copying copying{depot->repository(), other->repository(), request};
    return copying.run(done.point, done.copied->points);
  };
  if (auto copied = copy(); !copied)
    done.copied->failure = std::move(copied).error();
  remember(host, stack, done, request);
  return done;
}

} // namespace app
