#pragma once
// Folder tar: a folder as it is now as one archive, as `tar -C FOLDER .` makes it.

#include "repo/tar.hpp"
#include "world/folders.hpp"
#include "world/machine.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace repo {

struct FolderTarOptions {
  std::vector<std::string> exclude; // "backups/archives": that, and all that is below it
  std::string note_name;            // a file that is added to the folder; empty: none
  std::string note_text;
};

struct FolderTarReport {
  TarReport archive;
  // Files that changed while they were read: each is there, with its size of before. Bounded.
  std::vector<std::string> torn;
  std::uint64_t torn_count = 0;
};

// Sockets are left out, and what goes away meanwhile. A file of up to 32 MiB that changes while it
// is read is read again, three times at most. Nothing is followed but `folder` itself. The archive
// is complete when this returns without an error. not_found: no such folder.
base::Result<FolderTarReport>
write_folder_tar(world::Folders& folders, world::Machine& machine, const std::string& folder,
                 const FolderTarOptions& options, Packing packing,
                 const std::function<base::Result<>(std::string_view)>& write);

} // namespace repo
