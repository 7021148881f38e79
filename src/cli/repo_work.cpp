#include "cli/repo_work.hpp"

#include "app/stack_retention.hpp"
#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/repo_say.hpp"
#include "cli/say.hpp"
#include "repo/backup.hpp"
#include "repo/check.hpp"
#include "repo/keys.hpp"
#include "repo/prune.hpp"
#include "repo/restore.hpp"
#include "repo/retention.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

namespace cli {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using nlohmann::json;

namespace {

Result<double> share_of(const std::string& text, const char* option, const char* hint) {
  double value = -1;
  const bool is_percent = text.ends_with('%');
  const char* const end = text.data() + text.size() - (is_percent ? 1 : 0);
  const auto read = std::from_chars(text.data(), end, value);
  if (!is_percent || read.ec != std::errc{} || read.ptr != end || value < 0 || value > 100)
    return Error{ErrorKind::invalid_input, std::string{option} + " is not '" + text + "'", hint};
  return value / 100;
}

// "2/5"
std::optional<std::pair<unsigned, unsigned>> part_of(const std::string& text) {
  unsigned part = 0;
  unsigned parts = 0;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, part);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '/')
    return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, parts);
  if (second.ec != std::errc{} || second.ptr != end || part < 1 || part > parts || parts > 256)
    return std::nullopt;
  return std::pair{part, parts};
}

std::string repeated(const Error& error) {
  return error.message + (error.hint.empty() ? "" : "\nhint: " + error.hint);
}

} // namespace

std::string RepoWork::absolute(const std::string& path) const {
  return base::absolute_path(path, terminal_.working_folder);
}

int RepoWork::print(const std::string& text) const {
  const auto held = progress_.pause();
  std::fwrite(text.data(), 1, text.size(), terminal_.out);
  std::fflush(terminal_.out);
  return exit_done;
}

void RepoWork::say(const std::string& text) const {
  const auto held = progress_.pause();
  std::fprintf(terminal_.err, "%s\n", base::printable(text).c_str());
}

int RepoWork::fail(const Error& error, app::Trouble trouble) const {
  int status = status_of(error, false);
  if (trouble == app::Trouble::no_repository)
    status = exit_no_repository;
  if (trouble == app::Trouble::wrong_password)
    status = exit_wrong_password;
  if (is_json_)
    print(line_of({{"event", "error"},
                   {"message", error.message},
                   {"hint", error.hint},
                   {"exit_status", status}}));
  say("belay: " + repeated(error));
  return status;
}

Result<std::string> RepoWork::password(const std::string& file, const std::string& command,
                                       const std::string& question, bool is_asked_twice) const {
  app::PasswordSource source{.file = file.empty() ? "" : absolute(file), .command = command};
  if (terminal_.is_input_terminal && terminal_.read_password)
    source.prompt = [&]() -> Result<std::string> {
      const auto first = terminal_.read_password(question + ": ");
      const auto again = first && is_asked_twice && !first->empty()
                             ? terminal_.read_password(question + ", again: ")
                             : first;
      if (!again)
        return Error{ErrorKind::interrupted, "nothing was done: no password was typed", ""};
      if (*again != *first)
        return Error{ErrorKind::invalid_input, "the two passwords are not the same", ""};
      return *first;
    };
  return app::read_password(host_, source);
}

int RepoWork::with_repository(const std::function<Result<int>(repo::Repository&)>& work) {
  auto trouble = app::Trouble::none;
  const auto run = [&]() -> Result<int> {
    const app::StackPlace where = TRY(opening("password of the repository", false));
    const auto depot = TRY(app::open_place(host_, ports(), where, trouble));
    return work(depot->repository());
  };
  const Result<int> done = run();
  if (done)
    return done.value();
  Error error = done.error();
  if (error.kind == ErrorKind::corrupt && error.hint.empty())
    error.hint = "'belay repo check' names all that is harmed, and 'belay repo repair' saves what "
                 "can be saved.";
  return fail(error, trouble);
}

int RepoWork::init() {
  const auto run = [&]() -> Result<int> {
    const app::StackPlace where = TRY(opening("password of the new repository", true));
    const auto depot =
        TRY(app::Depot::create(host_, ports(), where.place, TRY(app::password_of(host_, where))));
    const std::string location = depot->repository().backend().location();
    const std::string id = depot->repository().config().id;
    if (is_json_)
      return print(line_of({{"event", "repository_made"}, {"id", id}, {"repository", location}}));
    print("made repository " + id.substr(0, 10) + " at '" + location + "'\n");
    return print("without its password nobody can read it, so keep the password elsewhere too\n");
  };
  const Result<int> done = run();
  return done ? done.value() : fail(done.error(), app::Trouble::none);
}

Result<int> RepoWork::run_check(repo::Repository& repository) {
  repo::CheckOptions how{.is_data_read = options_.is_data_read || !options_.subset.empty()};
  if (const auto part = part_of(options_.subset))
    how.part = *part;
  else if (!options_.subset.empty())
    how.percent = static_cast<unsigned>(
        std::lround(TRY(share_of(options_.subset, "--read-data-subset",
                                 "Write a share, as 5%, or a part of up to 256, as 2/5.")) *
                    100));
  const auto report =
      TRY(repo::with_lock(repository, sharing(repo::Sharing::exclusive), [&](repo::Lock& lock) {
        return repo::check(repository, lock, how, [&](std::uint64_t done, std::uint64_t all) {
          progress_.at({.text = "read", .done = done, .total = all});
        });
      }));
  for (const std::string& error : report.errors)
    say("belay: " + error);
  const int status = report.errors.empty() ? exit_done : exit_failed;
  if (is_json_) {
    print(line_of({{"event", "checked"},
                   {"errors", report.errors},
                   {"notes", report.notes},
                   {"snapshots", report.snapshots},
                   {"packs", report.packs},
                   {"packs_read", report.packs_read},
                   {"blobs", report.blobs},
                   {"bytes", report.bytes},
                   {"exit_status", status}}));
    return status;
  }
  for (const std::string& note : report.notes)
    print("note: " + note + "\n");
  print(std::to_string(report.snapshots) + " snapshots, " + std::to_string(report.packs) +
        " packs, " + std::to_string(report.blobs) + " blobs, " + base::format_bytes(report.bytes) +
        "; " + std::to_string(report.packs_read) + " packs read in full\n");
  print(report.errors.empty()
            ? "no errors were found\n"
            : std::to_string(report.errors.size()) +
                  " errors were found: 'belay repo repair' saves what can be saved, then a new "
                  "backup of the same paths stores again what is still there\n");
  return status;
}

int RepoWork::check() {
  return with_repository([&](repo::Repository& repository) { return run_check(repository); });
}

int RepoWork::key_list() {
  return with_repository([&](repo::Repository& repository) -> Result<int> {
    for (const repo::KeyInfo& key : TRY(repo::list_keys(repository)))
      print(is_json_ ? key_json(key) : key_text(key));
    return exit_done;
  });
}

int RepoWork::key_add() {
  return with_repository([&](repo::Repository& repository) -> Result<int> {
    const std::string fresh = TRY(
        password(options_.new_password_file, options_.new_password_command, "new password", true));
    const repo::format::Id id =
        TRY(repo::with_lock(repository, repo::Sharing::shared,
                            [&](repo::Lock&) { return repo::add_key(repository, fresh); }));
    return print(told(is_json_, "key_added", id));
  });
}

int RepoWork::key_remove() {
  return with_repository([&](repo::Repository& repository) -> Result<int> {
    const repo::format::Id id =
        TRY(repo::with_lock(repository, repo::Sharing::exclusive, [&](repo::Lock&) {
          return repo::remove_key(repository, options_.key);
        }));
    return print(told(is_json_, "key_removed", id));
  });
}

int RepoWork::key_passwd() {
  return with_repository([&](repo::Repository& repository) -> Result<int> {
    const std::string fresh = TRY(
        password(options_.new_password_file, options_.new_password_command, "new password", true));
    const repo::format::Id id =
        TRY(repo::with_lock(repository, repo::Sharing::exclusive,
                            [&](repo::Lock&) { return repo::change_password(repository, fresh); }));
    return print(told(is_json_, "password_changed", id));
  });
}

int RepoWork::unlock() {
  return with_repository([&](repo::Repository& repository) -> Result<int> {
    const std::size_t count = TRY(repo::unlock(repository, options_.is_all));
    if (is_json_)
      return print(line_of({{"event", "unlocked"}, {"removed", count}}));
    return print("removed " + std::to_string(count) + " locks\n");
  });
}

Result<int> RepoWork::run_backup(repo::Repository& repository) {
  repo::BackupOptions how{
      .tags = options_.tags,
      .exclude = options_.exclude,
      .has_caches_excluded = options_.has_caches_excluded,
      .is_one_file_system = options_.is_one_file_system,
      .is_everything_read = options_.is_everything_read,
      .is_inode_ignored = options_.is_inode_ignored,
      .has_atime = options_.has_atime,
      .is_all_read_back = options_.is_all_read_back,
      .save = {.level = options_.compression,
               .level_small = options_.compression == 1 ? 3 : options_.compression},
      .program_version = "belay " + terminal_.version};
  for (const std::string& path : options_.paths)
    how.paths.push_back(absolute(path));
  std::ranges::sort(how.paths);
  for (const std::string& file : options_.exclude_files)
    for (std::string& pattern : repo::patterns_of(TRY(host_.world.files.read(absolute(file)))))
      how.exclude.push_back(std::move(pattern));
  const auto begin = host_.world.clock.monotonic();
  const auto take = [&](repo::Lock& lock) {
    return repo::backup(repository, lock, *terminal_.folders, how,
                        [&](const repo::BackupProgress& now) {
                          progress_.at({.text = std::to_string(now.files) + " files",
                                        .done = now.bytes,
                                        .total = now.bytes_before,
                                        .is_guess = true});
                        });
  };
  const auto report = TRY(repo::with_lock(repository, repo::Sharing::shared, take));
  for (const std::string& path : report.torn)
    say("belay: warning: '" + path + "' changed while it was read, twice: its copy may be torn");
  print(is_json_ ? backup_json(report)
                 : backup_text(report, host_.world.clock.monotonic() - begin));
  return exit_done;
}

int RepoWork::backup() {
  if (options_.is_by_environment)
    return back_up_by_environment();
  if (options_.paths.empty())
    return back_up_stack();
  if (!options_.stack.empty())
    return fail({ErrorKind::invalid_input, "both a stack and --path are named",
                 "Take a snapshot of paths with --path, or of a stack by its name."},
                app::Trouble::none);
  return with_repository([&](repo::Repository& repository) { return run_backup(repository); });
}

int RepoWork::snapshots() {
  return with_repository([&](repo::Repository& repository) -> Result<int> {
    const auto all = TRY(meant_snapshots(repository));
    for (const repo::format::Snapshot& snapshot : all)
      print(is_json_ ? snapshot_json(snapshot) : snapshot_text(snapshot));
    if (!is_json_)
      print(base::plural(all.size(), "snapshot", "snapshots") + "\n");
    return exit_done;
  });
}

int RepoWork::ls() {
  return with_repository([&](repo::Repository& repository) -> Result<int> {
    const auto snapshot = TRY(find_snapshot(repository, options_.snapshot));
    TRY(repository.load_index());
    TRY(repo::for_each_node(
        repository, snapshot, options_.path,
        [&](const std::string& path, const repo::format::Node& node) -> Result<> {
          print(is_json_           ? node_json(path, node)
                : options_.is_long ? node_text(path, node)
                                   : base::printable(path) + "\n");
          return ok();
        }));
    return exit_done;
  });
}

Result<repo::Policy> RepoWork::policy() const {
  repo::Policy policy{.last = options_.keep_last,
                      .hourly = options_.keep_hourly,
                      .daily = options_.keep_daily,
                      .weekly = options_.keep_weekly,
                      .monthly = options_.keep_monthly,
                      .yearly = options_.keep_yearly,
                      .tags = options_.keep_tags};
  const auto read = [](const std::string& text, repo::Within& within) -> Result<> {
    if (!text.empty())
      within = TRY_CONTEXT(repo::parse_within(text), "--keep-within");
    return ok();
  };
  TRY(read(options_.keep_within, policy.within));
  TRY(read(options_.keep_within_hourly, policy.within_hourly));
  TRY(read(options_.keep_within_daily, policy.within_daily));
  TRY(read(options_.keep_within_weekly, policy.within_weekly));
  TRY(read(options_.keep_within_monthly, policy.within_monthly));
  TRY(read(options_.keep_within_yearly, policy.within_yearly));
  return policy;
}

repo::Filter RepoWork::filter() const {
  repo::Filter filter{.hosts = options_.only_hosts, .paths = {}, .tags = options_.only_tags};
  for (const std::string& path : options_.only_paths)
    filter.paths.push_back(absolute(path));
  return filter;
}

Result<std::vector<repo::format::Snapshot>>
RepoWork::meant_snapshots(repo::Repository& repository) const {
  auto all = TRY(repository.snapshots());
  std::erase_if(all, [&, wanted = filter()](const repo::format::Snapshot& each) {
    return !matches(wanted, each);
  });
  return all;
}

Result<repo::format::Snapshot> RepoWork::find_snapshot(repo::Repository& repository,
                                                       const std::string& name) const {
  if (filter().is_empty())
    return app::find_snapshot(repository, name);
  if (name != "latest")
    return Error{ErrorKind::invalid_input, "--host, --tag and --path tell which latest is meant",
                 "Leave them out: '" + name + "' says which one."};
  auto all = TRY(meant_snapshots(repository));
  if (all.empty())
    return Error{ErrorKind::not_found, "no snapshot is of that host, tag and path",
                 "'belay snapshots' lists them all."};
  return std::move(all.back());
}

Result<int> RepoWork::run_forget(repo::Repository& repository) {
  const repo::Policy policy = TRY(this->policy());
  const repo::Grouping grouping = TRY(repo::parse_grouping(options_.group_by));
  if (policy.is_empty() == options_.snapshots.empty())
    return Error{ErrorKind::invalid_input, "it was not said which snapshots to let go",
                 "Name snapshots, or say what is kept with --keep-..., not both."};
  return repo::with_lock(
      repository, repo::Sharing::exclusive, [&](repo::Lock& lock) -> Result<int> {
        std::vector<repo::format::Snapshot> gone;
        for (const std::string& name : options_.snapshots)
          gone.push_back(TRY(find_snapshot(repository, name)));
        if (options_.snapshots.empty())
          for (const auto& group : repo::decide(TRY(meant_snapshots(repository)), policy, grouping))
            for (repo::Decision decision : group) {
              if (!decision.is_kept && app::is_pinned(decision.snapshot)) {
                decision.is_kept = true;
                decision.reasons.emplace_back("pinned");
              }
              print(is_json_ ? decision_json(decision) : decision_text(decision));
              if (!decision.is_kept)
                gone.push_back(decision.snapshot);
            }
        for (const repo::format::Snapshot& snapshot : gone) {
          TRY(lock.keep());
          if (!options_.is_dry_run)
            TRY(repository.backend().remove({repo::backend::FileKind::snapshot, snapshot.id}));
        }
        print(is_json_ ? line_of({{"event", "forgotten"}, {"snapshots", gone.size()}})
                       : (options_.is_dry_run ? "would let go " : "let go ") +
                             base::plural(gone.size(), "snapshot", "snapshots") + "\n");
        if (!options_.is_pruned || options_.is_dry_run)
          return exit_done;
        return prune_locked(repository, lock);
      });
}

int RepoWork::forget() {
  if (options_.is_of_stack)
    return let_points_go();
  return with_repository([&](repo::Repository& repository) { return run_forget(repository); });
}

Result<repo::PruneOptions> RepoWork::prune_options() const {
  repo::PruneOptions how{.is_dry_run = options_.is_dry_run};
  if (options_.max_unused == "unlimited")
    how.unused_bytes_max = std::numeric_limits<std::uint64_t>::max();
  else if (const auto bytes = base::parse_bytes(options_.max_unused))
    how.unused_bytes_max = bytes.value();
  else
    how.unused_max = TRY(share_of(options_.max_unused, "--max-unused",
                                  "Write a share, as 5%, bytes, as 2GiB, or unlimited."));
  if (!options_.max_repack_size.empty())
    how.repacked_bytes_max =
        TRY_CONTEXT(base::parse_bytes(options_.max_repack_size), "--max-repack-size");
  if (!options_.max_repack_time.empty())
    how.repacking_time_max =
        TRY_CONTEXT(base::parse_duration(options_.max_repack_time), "--max-repack-time");
  return how;
}

Result<int> RepoWork::prune_locked(repo::Repository& repository, repo::Lock& lock) {
  const auto how = TRY(prune_options());
  const auto report = TRY(repo::prune(
      repository, lock, how,
      [&](const std::string& text) {
        if (!is_json_)
          print(text + "\n");
      },
      [&](std::uint64_t done, std::uint64_t all) {
        progress_.at({.text = "written again", .done = done, .total = all});
      }));
  return print(is_json_ ? prune_json(report) : prune_text(report, options_.is_dry_run));
}

int RepoWork::prune() {
  return with_repository([&](repo::Repository& repository) -> Result<int> {
    return repo::with_lock(repository, repo::Sharing::exclusive,
                           [&](repo::Lock& lock) { return prune_locked(repository, lock); });
  });
}

} // namespace cli
