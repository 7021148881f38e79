#pragma once
// Password: from a password to the master key, through scrypt and a key file.

#include "repo/format/records.hpp"

#include <string>
#include <string_view>

namespace repo::format {

struct KeyOwner {
  std::string user;
  std::string host;
  Time created;
};

// A key file that opens `master` with `password`.
KeyFile lock_up(const Key& master, std::string_view password, const KeyOwner& owner,
                world::Random& random);
// corrupt: the password is another, or the file was changed; the seal cannot tell which.
base::Result<Key> unlock(const KeyFile& file, std::string_view password, world::Random& random);

} // namespace repo::format
