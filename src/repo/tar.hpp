#pragma once
// Tar: a folder of a snapshot as one archive, as `tar -C FOLDER .` makes it: names begin with "./".

#include "repo/repository.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace repo {

enum class Packing { none, gzip, zstd };

struct TarReport {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0; // of files
};

// Every blob is verified as it is read. Modes, owners, times with their fractions, attributes, hard
// links and devices are kept; sockets are left out. The archive is complete when this returns
// without an error. not_found: no such folder.
base::Result<TarReport> write_tar(Repository& repository, const format::Snapshot& snapshot,
                                  const std::string& below, Packing packing,
                                  const std::function<base::Result<>(std::string_view)>& write);

} // namespace repo
