#pragma once
// Tree attributes: extended attributes, POSIX ACLs among them (system.posix_acl_*).

#include "os/tree_root.hpp"

#include <map>
#include <string>
#include <vector>

namespace os {

using Attributes = std::map<std::string, std::string>;

// Of an open file or folder; none where the file system has none.
// Also when it cannot be told: false only where there is none.
bool has_attributes(const Fd& file);
base::Result<Attributes> read_attributes(const Fd& file, const std::string& whole);
// Of a link, pipe, socket or device node, which cannot be opened.
base::Result<Attributes> read_attributes(const Spot& spot);

// Make the attributes of the target `wanted`. What only privilege may set (trusted.*, security.*)
// and what was refused for want of it is passed over, and its name is added to `not_kept`.
base::Result<> put_attributes(const Fd& file, const std::string& whole, const Attributes& wanted,
                              std::vector<std::string>& not_kept);
base::Result<> put_attributes(const Spot& spot, const Attributes& wanted,
                              std::vector<std::string>& not_kept);

// SHA-256 over names and values; empty for none. Labels that a security module gives (security.*
// but for file capabilities) are left out: they follow the place, not the data.
std::string digest_of(const Attributes& attributes);

} // namespace os
