#pragma once
// Migrations: the folders of SQL of a stack beside their ledgers, for who looks at them without an
// upgrade. Read-only.

#include "app/app.hpp"

namespace app {

struct MigrationFolder {
  std::string store;
  std::string folder;
  domain::FolderState state;
};

struct MigrationView {
  std::vector<MigrationFolder> folders;
  std::vector<std::string> untold; // why one is not among them
};

// `to`: the release whose files are meant, where a folder has {to} in its name.
base::Result<MigrationView> migrations(const Host& host, const std::string& stack,
                                       const std::string& to);

} // namespace app
