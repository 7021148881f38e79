#pragma once
// Import: an archive or a dump that another program made, as a snapshot.

#include "repo/archive.hpp"
#include "repo/lock.hpp"
#include "repo/saver.hpp"

#include <functional>
#include <string>
#include <vector>

namespace repo {

struct ImportOptions {
  std::string name;    // of the file, for messages
  std::string path_as; // absolute: the folder that the archive is of, or the dump itself
  std::vector<std::string> tags;
  SaveOptions save;
  std::string program_version;
};

struct ImportReport {
  format::Snapshot snapshot;
  ArchiveSummary archive;
};

// Reads the file to its end before anything is stored; then stores it, and writes the snapshot
// last. corrupt: it is cut or damaged. invalid_input: it holds what must not be trusted, or a name
// twice.
base::Result<ImportReport> import_file(Repository& repository, Lock& lock, world::SourceFile& file,
                                       const ImportOptions& options,
                                       const std::function<void(std::uint64_t bytes)>& progress);

} // namespace repo
