#pragma once
// Archive: what is in a tar or zip archive, or in a plain dump, read by libarchive from beginning
// to end. Nothing in it is trusted.

#include "repo/format/tree.hpp"
#include "world/folders.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace repo {

struct ArchiveEntry {
  std::string path;      // "a/b"; "" is the folder that the archive is of
  std::string hard_link; // of the same file, named before; empty: none
  format::Node node;     // without content
};

struct ArchiveEvents {
  std::function<base::Result<>(ArchiveEntry)> begin;
  std::function<base::Result<>(std::string_view)> bytes; // of the file that was begun, in order
  std::function<base::Result<>()> end;
};

struct ArchiveSummary {
  bool is_dump = false; // no archive: one file, which may be compressed
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0; // of all files
};

// `name` is that of the file, for messages and to know that it should be an archive.
// corrupt: it is cut or damaged. invalid_input: an entry that is absolute, has "..", or is of no
// kind that a snapshot can keep.
base::Result<ArchiveSummary> read_archive(world::SourceFile& file, const std::string& name,
                                          const ArchiveEvents& events);

// Reads all of it, to know that it is complete: each stream is unpacked to its end, checksums are
// compared, an archive has its end and a dump of PostgreSQL or MySQL its last line. corrupt.
base::Result<ArchiveSummary> verify_archive(world::SourceFile& file, const std::string& name);

} // namespace repo
