#pragma once
// Keys: the passwords of a repository. Each opens the same master key.

#include "repo/repository.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace repo {

struct KeyInfo {
  format::Id id;
  format::KeyFile file;
  bool is_current = false; // the repository was opened with it
};
base::Result<std::vector<KeyInfo>> list_keys(Repository& repository);
// Returns the id of the new key file.
base::Result<format::Id> add_key(Repository& repository, std::string_view password);
// `name`: the first digits of an id. not_found; invalid_input: several, or the one in use.
base::Result<format::Id> remove_key(Repository& repository, const std::string& name);
// A new key file, read back and opened, then the one in use is removed.
base::Result<format::Id> change_password(Repository& repository, std::string_view password);

} // namespace repo
