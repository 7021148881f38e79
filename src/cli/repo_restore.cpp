// What `belay restore` does once it is parsed.
#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/repo_say.hpp"
#include "cli/repo_work.hpp"
#include "cli/say.hpp"

#include <nlohmann/json.hpp>

namespace cli {

using base::Error;
using base::ErrorKind;
using base::Result;
using DirectChange = repo::InPlace::Change;

namespace {

std::string change_line(DirectChange change, const std::string& path, bool is_json) {
  const std::string word = change == DirectChange::make     ? "make"
                           : change == DirectChange::change ? "change"
                                                            : "remove";
  if (is_json)
    return line_of({{"event", "would_" + word}, {"path", path}});
  return "would " + word + " " + base::printable(path) + "\n";
}

} // namespace

Result<repo::RestoreOptions> RepoWork::restore_options(repo::Repository& repository,
                                                       const repo::format::Snapshot& snapshot) {
  const auto colon = options_.snapshot.find(':');
  repo::RestoreOptions how{.target = absolute(options_.target), .has_holes = options_.has_holes};
  if (colon != std::string::npos)
    how.below = base::absolute_path(options_.snapshot.substr(colon + 1), "/");
  if (!options_.is_in_place)
    return how;
  // Without its folder the target would be emptied, and get the whole path inside.
  if (options_.is_extra_removed && colon == std::string::npos)
    return Error{ErrorKind::invalid_input, "--delete needs to know which folder the target is",
                 "Write SNAPSHOT:FOLDER, as latest:" + how.target +
                     ", or latest:/ for the whole snapshot."};
  const auto target = host_.world.files.resolve(how.target);
  const auto depot = host_.world.files.resolve(repository.backend().location()); // when it is local
  if (target && depot && base::is_inside(depot.value(), target.value()))
    return Error{ErrorKind::conflict,
                 "the repository lies in '" + how.target + "', which is to be made another",
                 "Restore into another folder, or move the repository out of this one."};
  how.in_place = repo::InPlace{.is_extra_removed = options_.is_extra_removed,
                               .is_time_trusted = options_.overwrite == "if-changed",
                               .is_dry_run = options_.is_dry_run,
                               .exclude = snapshot.excludes,
                               .tell = {}};
  for (const std::string& pattern : options_.exclude)
    how.in_place->exclude.push_back(pattern);
  if (options_.is_dry_run)
    how.in_place->tell = [this](DirectChange change, const std::string& path) {
      print(change_line(change, path, is_json_));
    };
  return how;
}

Result<int> RepoWork::run_restore(repo::Repository& repository) {
  const auto colon = options_.snapshot.find(':');
  const auto snapshot = TRY(find_snapshot(repository, options_.snapshot.substr(0, colon)));
  const repo::RestoreOptions how = TRY(restore_options(repository, snapshot));
  const bool is_all = how.below == "/" || snapshot.paths == std::vector{how.below};
  return restore_into(repository, snapshot, how,
                      is_all && snapshot.summary ? snapshot.summary->bytes : 0);
}

Result<int> RepoWork::restore_into(repo::Repository& repository,
                                   const repo::format::Snapshot& snapshot,
                                   const repo::RestoreOptions& how, std::uint64_t bytes) {
  const auto begin = host_.world.clock.monotonic();
  const auto report = TRY(repo::with_lock(
      repository, sharing(repo::Sharing::shared),
      [&](repo::Lock& lock) -> Result<repo::RestoreReport> {
        TRY(repository.load_index());
        return repo::restore(repository, lock, *terminal_.folders, snapshot, how,
                             [&](const repo::RestoreReport& now) {
                               progress_.at({.text = std::to_string(now.files) + " files",
                                             .done = how.in_place ? now.bytes_compared : now.bytes,
                                             .total = bytes});
                             });
      }));
  for (const std::string& what : terminal_.folders->not_kept())
    say("belay: warning: not allowed to set " + what);
  print(is_json_ ? restore_json(report, how)
                 : restore_text(report, how, host_.world.clock.monotonic() - begin));
  return exit_done;
}

int RepoWork::restore() {
  if (!options_.into.empty())
    return restore_point();
  if (options_.target.empty() || !options_.point.empty())
    return fail({ErrorKind::invalid_input,
                 options_.point.empty() ? "it was not said where to restore to"
                                        : "a restore point of a stack is restored --into a folder",
                 "Write --target FOLDER for a snapshot, --into FOLDER for a restore point."},
                app::Trouble::none);
  return with_repository([&](repo::Repository& repository) { return run_restore(repository); });
}

} // namespace cli
