// Repo copy: snapshots from one repository into another.

#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/repo_say.hpp"
#include "cli/repo_work.hpp"
#include "cli/say.hpp"
#include "repo/copy.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace cli {

using base::Result;

void add_copy(CLI::App* sub, RepoOptions& options) {
  sub->add_option("--from", options.from_repository, "where the snapshots are, as --repo elsewhere")
      ->required();
  sub->add_option("--from-password-file", options.from_password_file,
                  "file that holds its password");
  sub->add_option("--from-password-command", options.from_password_command,
                  "command that prints its password; run without a shell");
  sub->add_option("--from-option", options.from_options, "NAME=VALUE for this place");
  sub->add_option("--to", options.repository, "where they are to be as well; it must be there")
      ->required();
  sub->add_option("--to-password-file", options.password_file, "file that holds its password");
  sub->add_option("--to-password-command", options.password_command,
                  "command that prints its password; run without a shell");
  sub->add_option("--to-option", options.backend_options, "NAME=VALUE for this place");
  sub->add_option("--limit-upload", options.limit_upload, "send at most this a second, as 2MiB");
  sub->add_option("--limit-download", options.limit_download, "receive at most this a second");
  sub->add_flag("--read-back", options.is_all_read_back,
                "read back all that was stored, not a part");
  add_memory(sub, options);
  sub->add_flag("--from-no-lock", options.is_unlocked,
                "without a lock where the snapshots are, when that cannot be written to");
  sub->add_option("SNAPSHOT", options.snapshots, "first digits of their ids, or latest; none: all");
}

namespace {

// The other repository as if it were the only one. Its credentials may be others: what stands in
// a variable BELAY_FROM_NAME is NAME for it.
RepoOptions options_of_source(const RepoOptions& options) {
  RepoOptions from;
  from.repository = options.from_repository;
  from.password_file = options.from_password_file;
  from.password_command = options.from_password_command;
  from.backend_options = options.from_options;
  from.limit_upload = options.limit_upload;
  from.limit_download = options.limit_download;
  return from;
}

void take_own_variables(repo::backend::Place& place) {
  const std::string prefix = "BELAY_FROM_";
  const auto all = place.environment;
  for (const auto& [name, value] : all)
    if (name.starts_with(prefix))
      place.environment[name.substr(prefix.size())] = value;
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
  return text + "copied " + std::to_string(copied) + " snapshots, " + std::to_string(report.blobs) +
         " blobs, " + base::format_bytes(report.bytes) + " (" +
         base::format_bytes(report.bytes_packed) + " stored)\n";
}

} // namespace

int RepoWork::copy() {
  auto trouble = app::Trouble::none;
  const auto run = [&]() -> Result<int> {
    const RepoOptions source = options_of_source(options_);
    const RepoWork other{host_, terminal_, source, is_json_};
    repo::backend::Place from_place = TRY(other.place());
    take_own_variables(from_place);
    const repo::backend::Place to_place = TRY(place());
    const std::string from_password =
        TRY(password(source.password_file, source.password_command,
                     "password of the repository to copy from", false));
    const std::string to_password = TRY(password(options_.password_file, options_.password_command,
                                                 "password of the repository to copy to", false));
    const auto from = TRY(app::Depot::open(host_, ports(), from_place, from_password, trouble));
    const auto to = TRY(app::Depot::open(host_, ports(), to_place, to_password, trouble));
    const repo::CopyOptions how{.snapshots = options_.snapshots,
                                .is_all_read_back = options_.is_all_read_back,
                                .threads = 0,
                                .save = {}};
    const auto with_locks = [&](repo::Lock& from_lock) {
      return repo::with_lock(to->repository(), repo::Sharing::shared, [&](repo::Lock& to_lock) {
        return repo::copy({from->repository(), from_lock}, {to->repository(), to_lock}, how,
                          [&](const repo::CopyProgress& at) {
                            progress("copied " + std::to_string(at.blobs_done) + " of " +
                                     std::to_string(at.blobs_all) + " blobs");
                          });
      });
    };
    const auto report =
        TRY(repo::with_lock(from->repository(), sharing(repo::Sharing::shared), with_locks));
    return print(is_json_ ? line_of(json_of(report)) : text_of(report));
  };
  const Result<int> done = run();
  return done ? done.value() : fail(done.error(), trouble);
}

} // namespace cli
