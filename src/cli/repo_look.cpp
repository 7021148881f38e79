// What the commands do that look into snapshots: find, diff, stats, verify, dump.
#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/repo_say.hpp"
#include "cli/repo_work.hpp"
#include "cli/say.hpp"
#include "repo/look.hpp"
#include "repo/stats.hpp"
#include "repo/tar.hpp"
#include "repo/verify.hpp"

#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

namespace cli {

using base::Error;
using base::ErrorKind;
using base::format_bytes;
using base::ok;
using base::Result;
using nlohmann::json;
using repo::Change;
using repo::format::Node;
using repo::format::Snapshot;

namespace {

const char* letter_of(Change change) { // as restic has them
  switch (change) {
  case Change::added: return "+";
  case Change::removed: return "-";
  case Change::content: return "M";
  case Change::kind: return "T";
  case Change::metadata: return "U";
  }
  return "?";
}

std::string change_line(Change change, const std::string& path, const Node* old, const Node* now,
                        bool is_json) {
  const bool is_folder = (now != nullptr ? now : old)->subtree.has_value();
  if (!is_json)
    return std::string{letter_of(change)} + "    " + base::printable(path) +
           (is_folder ? "/" : "") + "\n";
  json line{{"event", "change"}, {"path", path}, {"modifier", letter_of(change)}};
  line["size_before"] = old != nullptr ? json(old->size) : json();
  line["size_after"] = now != nullptr ? json(now->size) : json();
  return line_of(line);
}

json counted(const repo::DiffCount& count) {
  return {{"files", count.files},           {"dirs", count.folders},
          {"others", count.others},         {"data_blobs", count.data_blobs},
          {"tree_blobs", count.tree_blobs}, {"bytes", count.bytes}};
}

std::string diff_text(const repo::DiffReport& report) {
  const auto both = [](const char* what, std::uint64_t added, std::uint64_t removed) {
    return std::string{what} + std::to_string(added) + " new, " + std::to_string(removed) +
           " removed";
  };
  return both("files:   ", report.added.files, report.removed.files) + ", " +
         std::to_string(report.changed_files) + " changed\n" +
         both("folders: ", report.added.folders, report.removed.folders) + "\n" +
         both("others:  ", report.added.others, report.removed.others) + "\n" + "added " +
         format_bytes(report.added.bytes) + ", removed " + format_bytes(report.removed.bytes) +
         "\n";
}

repo::StatsMode mode_of(const std::string& word) {
  if (word == "files-by-contents")
    return repo::StatsMode::files_by_contents;
  if (word == "blobs-per-file")
    return repo::StatsMode::blobs_per_file;
  return word == "raw-data" ? repo::StatsMode::raw_data : repo::StatsMode::restore_size;
}

double ratio_of(const repo::Stats& stats) {
  return stats.bytes == 0
             ? 1
             : static_cast<double>(stats.uncompressed_bytes) / static_cast<double>(stats.bytes);
}

std::string stats_text(const repo::Stats& stats, const std::string& mode) {
  std::string text = mode + " of " + std::to_string(stats.snapshots) + " snapshots: ";
  if (stats.files > 0)
    text += std::to_string(stats.files) + (mode == "restore-size" ? " entries, " : " files, ");
  if (stats.blobs > 0)
    text += std::to_string(stats.blobs) + " blobs, ";
  text += format_bytes(stats.bytes);
  if (mode == "raw-data") {
    char ratio[64];
    std::snprintf(ratio, sizeof ratio, ", compressed %.2f times from ", ratio_of(stats));
    text += ratio + format_bytes(stats.uncompressed_bytes);
  }
  return text + "\nrepository: " + std::to_string(stats.packs) + " packs, " +
         format_bytes(stats.pack_bytes) + ", " + std::to_string(stats.index_blobs) + " blobs in " +
         std::to_string(stats.index_files) + " index files\n";
}

std::string stats_json(const repo::Stats& stats, const std::string& mode) {
  json line{{"event", "stats"},
            {"mode", mode},
            {"snapshots_count", stats.snapshots},
            {"total_size", stats.bytes},
            {"total_file_count", stats.files},
            {"total_blob_count", stats.blobs},
            {"packs", stats.packs},
            {"pack_bytes", stats.pack_bytes},
            {"index_files", stats.index_files},
            {"index_blobs", stats.index_blobs}};
  if (mode == "raw-data") {
    line["total_uncompressed_size"] = stats.uncompressed_bytes;
    line["compression_ratio"] = ratio_of(stats);
  }
  return line_of(line);
}

} // namespace

Result<std::pair<Snapshot, std::string>>
RepoWork::snapshot_and_folder(repo::Repository& repository, const std::string& words) const {
  const auto colon = words.find(':');
  Snapshot snapshot = TRY(find_snapshot(repository, words.substr(0, colon)));
  std::string folder =
      colon == std::string::npos ? "/" : base::absolute_path(words.substr(colon + 1), "/");
  return std::pair{std::move(snapshot), std::move(folder)};
}

Result<std::vector<Snapshot>> RepoWork::chosen_snapshots(repo::Repository& repository) const {
  if (options_.snapshots.empty())
    return meant_snapshots(repository);
  std::vector<Snapshot> chosen;
  for (const std::string& name : options_.snapshots)
    chosen.push_back(TRY(find_snapshot(repository, name)));
  return chosen;
}

int RepoWork::find() {
  return with_repository([&](repo::Repository& repository) -> Result<int> {
    const auto snapshots = TRY(chosen_snapshots(repository));
    TRY(repository.load_index());
    std::uint64_t count = 0;
    repo::format::Id told;
    const repo::FindOptions how{.patterns = options_.exclude,
                                .is_case_ignored = options_.is_case_ignored};
    TRY(repo::find(repository, snapshots, how,
                   [&](const Snapshot& snapshot, const std::string& path, const Node& node) {
                     ++count;
                     if (is_json_) {
                       json line = json::parse(node_json(path, node), nullptr, false);
                       line["event"] = "found";
                       line["snapshot"] = snapshot.id.hex();
                       print(line_of(line));
                       return;
                     }
                     if (!(told == snapshot.id))
                       print("in snapshot " + snapshot_text(snapshot));
                     told = snapshot.id;
                     print(options_.is_long ? node_text(path, node) : base::printable(path) + "\n");
                   }));
    return print(
        is_json_
            ? line_of({{"event", "searched"}, {"snapshots", snapshots.size()}, {"found", count}})
            : std::to_string(count) + " found in " + std::to_string(snapshots.size()) +
                  " snapshots\n");
  });
}

Result<int> RepoWork::run_diff(repo::Repository& repository) {
  const auto [a, below_a] = TRY(snapshot_and_folder(repository, options_.snapshot));
  const auto [b, below_b] = TRY(snapshot_and_folder(repository, options_.other_snapshot));
  TRY(repository.load_index());
  const repo::DiffOptions how{
      .below_a = below_a, .below_b = below_b, .has_metadata = options_.has_metadata};
  const auto report =
      TRY(repo::diff(repository, a, b, how,
                     [&](Change change, const std::string& path, const Node* old, const Node* now) {
                       print(change_line(change, path, old, now, is_json_));
                     }));
  if (!is_json_)
    return print(diff_text(report));
  return print(line_of({{"event", "statistics"},
                        {"source_snapshot", a.id.hex()},
                        {"target_snapshot", b.id.hex()},
                        {"changed_files", report.changed_files},
                        {"added", counted(report.added)},
                        {"removed", counted(report.removed)}}));
}

int RepoWork::diff() {
  return with_repository([&](repo::Repository& repository) { return run_diff(repository); });
}

int RepoWork::stats() {
  return with_repository([&](repo::Repository& repository) -> Result<int> {
    const auto snapshots = TRY(chosen_snapshots(repository));
    TRY(repository.load_index());
    const auto found = TRY(repo::find_stats(repository, snapshots, mode_of(options_.mode)));
    return print(is_json_ ? stats_json(found, options_.mode) : stats_text(found, options_.mode));
  });
}

Result<int> RepoWork::run_verify(repo::Repository& repository) {
  const auto snapshot = TRY(find_snapshot(repository, options_.snapshot));
  const auto begin = host_.world.clock.monotonic();
  const auto report = TRY(repo::with_lock(
      repository, sharing(repo::Sharing::shared),
      [&](repo::Lock& lock) -> Result<repo::VerifyReport> {
        TRY(repository.load_index());
        if (app::names_point(options_.snapshot))
          TRY(app::check_point(repository, snapshot));
        return repo::verify(repository, lock, snapshot, [&](std::uint64_t done, std::uint64_t all) {
          progress_.at({.text = "read", .done = done, .total = all});
        });
      }));
  for (const std::string& error : report.errors)
    say("belay: " + error);
  const bool is_whole = report.errors.empty();
  // As when a restore meets it: what is harmed needs somebody to look at it.
  const int status = is_whole ? exit_done : exit_needs_operator;
  if (is_json_) {
    print(line_of({{"event", "verified"},
                   {"id", snapshot.id.hex()},
                   {"is_whole", is_whole},
                   {"errors", report.errors},
                   {"files", report.files},
                   {"folders", report.folders},
                   {"blobs", report.blobs},
                   {"bytes", report.bytes}}));
    return status;
  }
  const std::string read = std::to_string(report.blobs) + " blobs, " + format_bytes(report.bytes) +
                           ", read, decrypted and hashed in " +
                           base::format_duration(host_.world.clock.monotonic() - begin);
  const std::string name = "snapshot " + repo::short_id(snapshot.id);
  print(is_whole ? name + " is whole: " + std::to_string(report.files) + " files: " + read + "\n"
                 : name + " is harmed: " + std::to_string(report.errors.size()) + " errors; " +
                       read + "\n");
  return status;
}

int RepoWork::verify() {
  return with_repository([&](repo::Repository& repository) { return run_verify(repository); });
}

Result<int> RepoWork::run_dump(repo::Repository& repository) {
  const auto snapshot = TRY(find_snapshot(repository, options_.snapshot));
  TRY(repository.load_index());
  const auto write = [&](std::string_view bytes) -> Result<> {
    if (std::fwrite(bytes.data(), 1, bytes.size(), terminal_.out) != bytes.size())
      return Error{ErrorKind::failed, "the output could not be written", ""};
    return ok();
  };
  if (options_.archive.empty())
    TRY(repo::dump(repository, snapshot, options_.path, write));
  else
    TRY(repo::write_tar(repository, snapshot, options_.path, repo::Packing::none, write));
  if (std::fflush(terminal_.out) != 0)
    return Error{ErrorKind::failed, "the output could not be written", ""};
  return exit_done;
}

int RepoWork::dump() {
  return with_repository([&](repo::Repository& repository) { return run_dump(repository); });
}

} // namespace cli
