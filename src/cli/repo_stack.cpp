// What `belay backup` of a stack, and `belay restore` of its restore points, do once parsed.
#include "app/stack_backup.hpp"
#include "app/stack_retention.hpp"
#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/repo_say.hpp"
#include "cli/repo_work.hpp"
#include "cli/say.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace cli {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

nlohmann::json json_of(const app::StackBackup& done, int status) {
  nlohmann::json line{{"event", "backed_up"},
                      {"point", done.point.id},
                      {"stack", done.point.stack},
                      {"generation", done.point.generation},
                      {"snapshot", done.report.snapshot.id.hex()},
                      {"repository", done.location},
                      {"torn", done.report.torn},
                      {"torn_count", done.report.torn_count},
                      {"bytes", done.report.snapshot.summary->bytes},
                      {"bytes_stored", done.report.snapshot.summary->bytes_added_packed},
                      {"exit_status", status}};
  if (done.copied) {
    line["copy"] = {{"repository", done.copied->location},
                    {"points_copied", done.copied->points},
                    {"is_there", !done.copied->failure}};
    if (done.copied->failure)
      line["copy"]["message"] = done.copied->failure->message;
  }
  return line;
}

std::string text_of(const app::StackBackup& done) {
  std::string text = "restore point " + done.point.id + " of generation " +
                     std::to_string(done.point.generation) + " is in '" + done.location +
                     "', read back\n";
  if (done.copied && !done.copied->failure)
    text += "copied " + std::to_string(done.copied->points) + " restore points to '" +
            done.copied->location + "', read back\n";
  return text;
}

std::string point_of(const repo::format::Snapshot& snapshot) {
  for (const std::string& tag : snapshot.tags)
    if (tag.starts_with("point="))
      return tag.substr(6);
  return snapshot.id.hex();
}

std::string let_go_text(const app::LetGo::Place& place, bool is_dry_run) {
  std::string text;
  for (const repo::Decision& each : place.decisions)
    text += (each.is_kept ? "keep   " : "forget ") + base::printable(point_of(each.snapshot)) +
            "  " + base::join(each.reasons, ", ") + "\n";
  return text + (is_dry_run ? "would let go " : "let go ") +
         base::plural(place.gone, "restore point", "restore points") + " of '" + place.location +
         "'" + (place.bytes_freed > 0 ? ", " + base::format_bytes(place.bytes_freed) : "") + "\n";
}

nlohmann::json let_go_json(const app::LetGo::Place& place) {
  nlohmann::json kept = nlohmann::json::array();
  nlohmann::json gone = nlohmann::json::array();
  for (const repo::Decision& each : place.decisions)
    (each.is_kept ? kept : gone).push_back(point_of(each.snapshot));
  return {{"event", "let_go"},
          {"repository", place.location},
          {"kept", kept},
          {"gone", gone},
          {"bytes_freed", place.bytes_freed}};
}

} // namespace

int RepoWork::let_points_go() {
  const auto run = [&]() -> Result<app::LetGo> {
    if (!TRY(policy()).is_empty() || !filter().is_empty() || !options_.snapshots.empty() ||
        !options_.repository.empty() || !options_.repository_file.empty())
      return Error{ErrorKind::invalid_input,
                   "--stack goes by belay.yaml alone: what stays, and where",
                   "Leave out --keep-..., --repo and names; correct `backup.keep` instead."};
    return app::let_go(host_, ports(),
                       {.stack = {},
                        .is_dry_run = options_.is_dry_run,
                        .notice = [this](const std::string& text) { say("belay: " + text); },
                        .tell = [this](const app::Doing& doing) { progress_.at(doing); },
                        .traffic = &progress_.traffic()});
  };
  const auto done = run();
  if (!done)
    return fail(done.error(), app::Trouble::none);
  int status = exit_done;
  bool has_done = false;
  for (const app::LetGo::Place& place : done.value().places) {
    if (place.failure) {
      const int why = fail(*place.failure, place.trouble);
      status = status == exit_done ? why : status;
      has_done = has_done || (place.gone > 0 && !options_.is_dry_run);
      continue;
    }
    has_done = true;
    print(is_json_ ? line_of(let_go_json(place)) : let_go_text(place, options_.is_dry_run));
  }
  return status != exit_done && has_done ? exit_needs_operator : status;
}

int RepoWork::back_up_stack() {
  auto trouble = app::Trouble::none;
  const auto begin = host_.world.clock.monotonic();
  const auto run = [&]() -> Result<app::StackBackup> {
    if (!options_.repository.empty() || !options_.repository_file.empty() ||
        !options_.password_file.empty() || !options_.password_command.empty() ||
        !options_.backend_options.empty() || options_.is_second_place)
      return Error{ErrorKind::invalid_input, "a stack goes into the repository of belay.yaml",
                   "Name it there as `repository:`; or name what to take with --path."};
    repo::backend::Place limited;
    TRY(put_options(limited));
    return app::back_up(
        host_, ports(),
        {.stack = options_.stack,
         .tags = options_.tags,
         .is_everything_read = options_.is_everything_read,
         .is_inode_ignored = options_.is_inode_ignored,
         .limit = limited.limit,
         .save = {.level = options_.compression,
                  .level_small = options_.compression == 1 ? 3 : options_.compression},
         .program_version = "belay " + terminal_.version,
         .notice = [this](const std::string& text) { say("belay: " + text); },
         .tell = [this](const app::Doing& doing) { progress_.at(doing); },
         .traffic = &progress_.traffic()},
        trouble);
  };
  const auto ran = run();
  if (!ran)
    return fail(ran.error(), trouble);
  const app::StackBackup& done = ran.value();
  for (const std::string& path : done.report.torn)
    say("belay: warning: '" + path + "' changed while it was read, twice: its copy may be torn");
  const bool is_copied = !done.copied || !done.copied->failure;
  const int status = is_copied ? exit_done : exit_needs_operator;
  print(is_json_ ? line_of(json_of(done, status))
                 : backup_text(done.report, host_.world.clock.monotonic() - begin) + text_of(done));
  if (!is_copied) {
    const Error& error = *done.copied->failure;
    say("belay: the second place does not have every restore point: " + error.message);
    say("hint: " + (error.hint.empty() ? "" : error.hint + " ") +
        "The next 'belay backup' brings there what is missing.");
  }
  return status;
}

int RepoWork::restore_point() {
  return with_repository([&](repo::Repository& repository) -> Result<int> {
    const std::string& name = options_.point.empty() ? options_.snapshot : options_.point;
    if (!app::names_point(name))
      return Error{ErrorKind::invalid_input, "'" + name + "' is no restore point",
                   "List them with 'belay points'. Other snapshots are restored to a --target."};
    const auto snapshot = TRY(app::find_snapshot(repository, name));
    TRY(repository.load_index());
    const auto point = TRY(app::read_manifest(repository, snapshot));
    if (!options_.point.empty() && point.stack != options_.snapshot)
      return Error{ErrorKind::invalid_input,
                   "restore point '" + name + "' is of stack '" + base::printable(point.stack) +
                       "', not of '" + options_.snapshot + "'",
                   ""};
    repo::RestoreOptions how{.target = absolute(options_.into),
                             .below = app::folder_in_snapshot(point.stack),
                             .has_holes = options_.has_holes};
    std::uint64_t bytes = snapshot.summary ? snapshot.summary->bytes : 0;
    if (!options_.store.empty()) {
      std::vector<std::string> stores;
      for (const domain::Snapshot& each : point.snapshots)
        stores.push_back(each.store);
      if (std::ranges::find(stores, options_.store) == stores.end())
        return Error{ErrorKind::not_found, "there is no store '" + options_.store + "' in " + name,
                     "It holds " + base::join(stores, ", ") + "."};
      how.below = app::store_in_snapshot(point.stack, options_.store);
      bytes = std::ranges::find(point.snapshots, options_.store, &domain::Snapshot::store)->bytes;
    }
    return restore_into(repository, snapshot, how, bytes);
  });
}

} // namespace cli
