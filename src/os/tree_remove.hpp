#pragma once
// Tree remove: takes away a name with everything below it, without following a link.

#include "os/tree_root.hpp"

#include <string>

namespace os {

// Absent is fine. conflict: another file system is mounted there or below.
base::Result<> remove_name(const Spot& spot);
base::Result<> remove_below(const TreeRoot& root, const std::string& relative);
base::Result<> remove_tree(const std::string& path);

} // namespace os
