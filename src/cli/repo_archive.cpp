// What `belay export` and `belay import` do once they are parsed.
#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/repo_say.hpp"
#include "cli/repo_work.hpp"
#include "cli/say.hpp"
#include "repo/import.hpp"
#include "repo/new_archive.hpp"
#include "repo/tar.hpp"

#include <nlohmann/json.hpp>

namespace cli {

using base::Error;
using base::ErrorKind;
using base::format_bytes;
using base::Result;

namespace {

Result<repo::Packing> packing_of(const std::string& file) {
  if (file.ends_with(".tgz") || file.ends_with(".tar.gz"))
    return repo::Packing::gzip;
  if (file.ends_with(".tar.zst"))
    return repo::Packing::zstd;
  if (file.ends_with(".tar"))
    return repo::Packing::none;
  return Error{ErrorKind::invalid_input, "'" + file + "' does not say how to pack it",
               "Let its name end in .tgz, .tar.gz, .tar.zst or .tar."};
}

} // namespace

Result<int> RepoWork::run_export(repo::Repository& repository) {
  const std::string path = absolute(options_.file);
  const repo::Packing packing = TRY(packing_of(path));
  const auto named = TRY(snapshot_and_folder(repository, options_.snapshot));
  const repo::format::Snapshot& snapshot = named.first;
  std::string below = named.second;
  // The archive of a folder begins with that folder, as `tar -C FOLDER .` has it.
  const bool is_folder_named = options_.snapshot.contains(':');
  if (!is_folder_named && snapshot.paths.size() == 1)
    below = snapshot.paths.front();
  repo::NewArchive archive{*terminal_.folders, host_.world.files, path};
  TRY(archive.begin());
  const auto report = TRY(repo::with_lock(
      repository, sharing(repo::Sharing::shared), [&](repo::Lock& lock) -> Result<repo::TarReport> {
        TRY(repository.load_index());
        const auto write = [&](std::string_view bytes) -> Result<> {
          TRY(lock.keep());
          if (host_.world.clock.stop_requested())
            return Error{ErrorKind::interrupted, "asked to stop: no archive was made", ""};
          progress_.at({.text = "written", .done = archive.size()});
          return archive.write(bytes);
        };
        return repo::write_tar(repository, snapshot, below, packing, write);
      }));
  TRY(archive.end(repository.ports().machine.identity(), host_.world.clock.now(), report));
  if (is_json_)
    return print(line_of({{"event", "exported"},
                          {"id", snapshot.id.hex()},
                          {"folder", below},
                          {"file", path},
                          {"entries", report.entries},
                          {"bytes", report.bytes},
                          {"archive_bytes", archive.size()}}));
  print("exported " + std::to_string(report.entries) + " entries, " + format_bytes(report.bytes) +
        ", of '" + base::printable(below) + "' in snapshot " + repo::short_id(snapshot.id) + ": " +
        format_bytes(archive.size()) + ", read back\n");
  return print("Backup written to " + base::printable(path) + "\n");
}

int RepoWork::export_archive() {
  return with_repository([&](repo::Repository& repository) { return run_export(repository); });
}

Result<int> RepoWork::run_import(repo::Repository& repository) {
  const std::string path = absolute(options_.file);
  if (!options_.path_as.starts_with('/') || base::absolute_path(options_.path_as, "/") == "/")
    return Error{ErrorKind::invalid_input, "--path-as is not '" + options_.path_as + "'",
                 "Write an absolute path, as /srv/shop."};
  const repo::ImportOptions how{.name = options_.file,
                                .path_as = base::absolute_path(options_.path_as, "/"),
                                .tags = options_.tags,
                                .save = {},
                                .program_version = "belay " + terminal_.version};
  const auto folder = TRY(terminal_.folders->open(base::parent_of(path)));
  const auto file = TRY(folder->open_file(base::name_of_path(path)));
  const auto report = TRY(repo::with_lock(repository, repo::Sharing::shared, [&](repo::Lock& lock) {
    return repo::import_file(repository, lock, *file, how, [&](std::uint64_t bytes) {
      progress_.at({.text = "read", .done = bytes});
    });
  }));
  const std::string kind = report.archive.is_dump ? "dump" : "archive";
  if (is_json_)
    return print(line_of({{"event", "imported"},
                          {"id", report.snapshot.id.hex()},
                          {"file", path},
                          {"kind", kind},
                          {"path", how.path_as},
                          {"entries", report.archive.entries},
                          {"bytes", report.snapshot.summary->bytes}}));
  return print("imported the " + kind + " as '" + base::printable(how.path_as) +
               "': " + std::to_string(report.snapshot.summary->files) + " files, " +
               format_bytes(report.snapshot.summary->bytes) + ", read to the end before\n" +
               "snapshot " + repo::short_id(report.snapshot.id) + "\n");
}

int RepoWork::import_archive() {
  return with_repository([&](repo::Repository& repository) { return run_import(repository); });
}

} // namespace cli
