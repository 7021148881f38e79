#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/repo_say.hpp"
#include "cli/repo_work.hpp"
#include "cli/say.hpp"
#include "repo/repair.hpp"

#include <nlohmann/json.hpp>

namespace cli {

using base::Result;

namespace {

std::string counted(const repo::RepairReport& report, bool is_dry_run) {
  std::string text = is_dry_run ? "nothing was changed; it would be: " : "";
  text += base::plural(report.blobs_saved, "blob", "blobs") + " saved out of harmed packs, " +
          base::plural(report.index_files_written, "index file", "index files") + " written and " +
          std::to_string(report.index_files_removed) + " removed";
  if (report.snapshots_removed > 0)
    text += ", " + base::plural(report.snapshots_removed, "broken snapshot", "broken snapshots") +
            " removed";
  return text + "\n";
}

} // namespace

int RepoWork::repair() {
  return with_repository([&](repo::Repository& repository) -> Result<int> {
    const repo::RepairOptions how{.is_data_read = options_.is_data_read,
                                  .are_broken_snapshots_removed = options_.is_broken_removed,
                                  .is_dry_run = options_.is_dry_run};
    const auto report =
        TRY(repo::with_lock(repository, repo::Sharing::exclusive, [&](repo::Lock& lock) {
          return repo::repair(repository, lock, how, [&](std::uint64_t done, std::uint64_t all) {
            progress_.at({.text = "looked at " + std::to_string(done) + " of " +
                                  std::to_string(all) + " packs"});
          });
        }));
    for (const std::string& found : report.found)
      say("belay: " + found);
    if (is_json_) {
      print(line_of({{"event", "repaired"},
                     {"found", report.found},
                     {"blobs_saved", report.blobs_saved},
                     {"blobs_lost", report.blobs_lost},
                     {"index_files_written", report.index_files_written},
                     {"index_files_removed", report.index_files_removed},
                     {"snapshots_removed", report.snapshots_removed},
                     {"exit_status", exit_done}}));
      return exit_done;
    }
    const bool is_nothing = report.found.empty() && report.index_files_removed == 0;
    print(is_nothing ? "nothing is to be repaired\n" : counted(report, how.is_dry_run));
    if (report.blobs_lost > 0)
      print(base::plural(report.blobs_lost, "blob", "blobs") +
            " lost: a new backup of the same paths stores again what is still there, then "
            "'belay repo check' names the snapshots that lack something\n");
    return exit_done;
  });
}

} // namespace cli
