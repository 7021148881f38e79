// What `belay backup --environment` does once it is parsed.
#include "app/km_backup.hpp"
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

int RepoWork::back_up_by_environment() {
  const auto work = [&]() -> Result<int> {
    if (!options_.paths.empty() || !options_.stack.empty() || !options_.repository.empty() ||
        !options_.repository_file.empty() || !options_.tags.empty())
      return Error{ErrorKind::invalid_input, "--environment goes by the KM_ variables alone",
                   "Leave out the stack, --path, --tag and --repo."};
    const auto settings = TRY(app::km_settings(host_.environment, terminal_.working_folder));
    if (options_.is_verified_only) {
      const auto found = TRY(app::verify_km_archives(host_, ports(), settings));
      for (const std::string& harmed : found.harmed)
        say("belay: warning: it is not whole: " + harmed);
      return print(is_json_ ? line_of({{"event", "archive_verified"},
                                       {"archive", found.archive.path},
                                       {"harmed", found.harmed},
                                       {"entries", found.archive.entries},
                                       {"bytes", found.archive.bytes}})
                            : "'" + base::printable(found.archive.path) + "' is whole: " +
                                  std::to_string(found.archive.entries) + " entries\n");
    }
    const auto done = TRY(app::take_km_backup(host_, ports(), settings));
    for (const std::string& path : done.torn)
      say("belay: warning: '" + path + "' changed while it was read: its copy may be torn");
    if (!done.archive.prune_problem.empty())
      say("belay: warning: older archives are not removed: " + done.archive.prune_problem);
    if (is_json_)
      return print(line_of({{"event", "archived"},
                            {"archive", done.archive.path},
                            {"entries", done.archive.entries},
                            {"bytes", done.archive.bytes},
                            {"torn", done.torn},
                            {"torn_count", done.archive.torn},
                            {"removed", done.removed},
                            {"prune_problem", done.archive.prune_problem}}));
    if (!done.removed.empty())
      print("removed " + base::plural(done.removed.size(), "older archive", "older archives") +
            "\n");
    return print("Backup written to " + base::printable(done.archive.path) + "\n");
  };
  const auto done = work();
  return done ? done.value() : fail(done.error(), app::Trouble::none);
}

} // namespace cli
