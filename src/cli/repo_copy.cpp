// Repo copy: snapshots from one repository into another.

#include "app/stack_backup.hpp"
#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/repo_say.hpp"
#include "cli/repo_work.hpp"
#include "cli/say.hpp"
#include "repo/copy.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace cli {

using base::Error;
using base::ErrorKind;
using base::Result;

void add_copy(CLI::App* sub, RepoOptions& options) {
  CLI::Option* from =
      sub->add_option("--from,--from-repo", options.from_repository,
                      "where the snapshots are, as --repo elsewhere; that of belay.yaml if none is "
                      "named");
  CLI::Option* from_file = sub->add_option("--from-repo-file", options.from_repository_file,
                                           "file whose first line says where they are");
  sub->add_option("--from-password-file", options.from_password_file,
                  "file that holds its password");
  sub->add_option("--from-password-command", options.from_password_command,
                  "command that prints its password; run without a shell");
  sub->add_option("--from-option", options.from_options, "NAME=VALUE for this place");
  CLI::Option* to =
      sub->add_option("--to,-r,--repo", options.repository,
                      "where they are to be as well; it must be there; the `copy_to` of belay.yaml "
                      "if none is named");
  CLI::Option* to_file = sub->add_option("--to-repo-file,--repo-file", options.repository_file,
                                         "file whose first line says where that is");
  sub->add_option("--to-password-file,-p,--password-file", options.password_file,
                  "file that holds its password");
  sub->add_option("--to-password-command,--password-command", options.password_command,
                  "command that prints its password; run without a shell");
  sub->add_option("--to-option,-o,--option", options.backend_options, "NAME=VALUE for this place");
  CLI::Option* back =
      sub->add_flag("--back", options.is_copied_back,
                    "from the `copy_to` of belay.yaml to its `repository`, which was lost and made "
                    "anew");
  for (CLI::Option* named : {from, from_file, to, to_file})
    back->excludes(named);
  sub->add_option("--limit-upload", options.limit_upload, "send at most this a second, as 2MiB");
  sub->add_option("--limit-download", options.limit_download, "receive at most this a second");
  sub->add_flag("--read-back", options.is_all_read_back,
                "read back all that was stored, not a part; between the places of belay.yaml it "
                "always is");
  add_memory(sub, options);
  sub->add_flag("--from-no-lock", options.is_unlocked,
                "without a lock where the snapshots are, when that cannot be written to");
  sub->add_option("SNAPSHOT", options.snapshots,
                  "first digits of their ids, latest, or restore points; none: all");
}

namespace {

// The other repository as if it were the only one. Its credentials may be others: what stands in
// a variable BELAY_FROM_NAME is NAME for it.
RepoOptions options_of_source(const RepoOptions& options) {
  RepoOptions from;
  from.repository = options.from_repository;
  from.repository_file = options.from_repository_file;
  from.password_file = options.from_password_file;
  from.password_command = options.from_password_command;
  from.backend_options = options.from_options;
  from.limit_upload = options.limit_upload;
  from.limit_download = options.limit_download;
  return from;
}

void take_own_variables(repo::backend::Place& place) {
  const std::string prefix = "BELAY_FROM_";
  std::map<std::string, std::string> own;
  for (const auto& [name, value] : place.environment)
    if (name.starts_with(prefix))
      own[name.substr(prefix.size())] = value;
  put_variables(place, own);
}

nlohmann::json json_of(const repo::CopyReport& report) {
  nlohmann::json snapshots = nlohmann::json::array();
  for (const auto& each : report.snapshots)
    snapshots.push_back({{"from", each.from.hex()}, {"to", each.to.hex()}, {"new", each.is_new}});
  return {{"event", "copied"},
          {"snapshots", snapshots},
          {"blobs", report.blobs},
          {"bytes", report.bytes},
          {"bytes_packed", report.bytes_packed}};
}

std::string text_of(const repo::CopyReport& report) {
  std::string text;
  std::size_t copied = 0;
  for (const auto& each : report.snapshots) {
    copied += each.is_new ? 1U : 0U;
    text += repo::short_id(each.from) + (each.is_new ? " is now " : " was there already as ") +
            repo::short_id(each.to) + "\n";
  }
  return text + "copied " + base::plural(copied, "snapshot", "snapshots") + ", " +
         std::to_string(report.blobs) + " blobs, " + base::format_bytes(report.bytes) + " (" +
         base::format_bytes(report.bytes_packed) + " stored)\n";
}

} // namespace

Result<std::pair<app::StackPlace, app::StackPlace>> RepoWork::two_places() const {
  const bool is_from_named =
      !options_.from_repository.empty() || !options_.from_repository_file.empty();
  const bool is_to_named = !options_.repository.empty() || !options_.repository_file.empty();
  const bool has_words = !options_.from_password_file.empty() ||
                         !options_.from_password_command.empty() ||
                         !options_.from_options.empty() || !options_.password_file.empty() ||
                         !options_.password_command.empty() || !options_.backend_options.empty();
  if (is_from_named != is_to_named || (!is_from_named && has_words))
    return Error{ErrorKind::invalid_input, "it was not said from where to where",
                 "Name both places with --from and --to, or none: then those of belay.yaml are "
                 "taken, as it has them."};
  if (!is_from_named) {
    using app::Where;
    auto first = TRY(place_of_stack(options_.is_copied_back ? Where::copy : Where::first));
    return std::pair{std::move(first),
                     TRY(place_of_stack(options_.is_copied_back ? Where::first : Where::copy))};
  }
  const RepoOptions source = options_of_source(options_);
  const RepoWork other{host_, terminal_, source, is_json_};
  app::StackPlace from;
  app::StackPlace to;
  from.place = TRY(other.place());
  from.place.notice = [this](const std::string& notice) { say("belay: " + notice); };
  from.place.traffic = &progress_.traffic();
  take_own_variables(from.place);
  to.place = TRY(place());
  from.password = TRY(password(source.password_file, source.password_command,
                               "password of the repository to copy from", false));
  to.password = TRY(password(options_.password_file, options_.password_command,
                             "password of the repository to copy to", false));
  return std::pair{std::move(from), std::move(to)};
}

Result<repo::CopyReport> RepoWork::copy_between(repo::Repository& from, repo::Repository& to,
                                                const repo::CopyOptions& how) {
  const auto tell = [&](const repo::CopyProgress& at) {
    progress_.at(
        {.text = "snapshot " + std::to_string(at.snapshot) + " of " + std::to_string(at.snapshots),
         .done = at.bytes_done,
         .total = at.bytes_all});
  };
  return repo::with_lock(from, sharing(repo::Sharing::shared), [&](repo::Lock& from_lock) {
    return repo::with_lock(to, repo::Sharing::shared, [&](repo::Lock& to_lock) {
      return repo::copy({from, from_lock}, {to, to_lock}, how, tell);
    });
  });
}

int RepoWork::copy() {
  auto trouble = app::Trouble::none;
  const auto run = [&]() -> Result<int> {
    const auto places = TRY(two_places());
    const bool is_of_stack = !places.first.name.empty();
    const auto from = TRY(app::open_place(host_, ports(), places.first, trouble));
    const auto to = TRY(app::open_place(host_, ports(), places.second, trouble));
    repo::CopyOptions how{.snapshots = {},
                          .is_all_read_back = options_.is_all_read_back || is_of_stack,
                          .threads = 0,
                          .save = {}};
    for (const std::string& name : options_.snapshots)
      how.snapshots.push_back(TRY(app::find_snapshot(from->repository(), name)).id.hex());
    const auto report = TRY(copy_between(from->repository(), to->repository(), how));
    if (is_of_stack && !options_.is_copied_back)
      TRY(app::remember_copy(host_, from->repository(), to->repository()));
    return print(is_json_ ? line_of(json_of(report)) : text_of(report));
  };
  const Result<int> done = run();
  return done ? done.value() : fail(done.error(), trouble);
}

} // namespace cli
