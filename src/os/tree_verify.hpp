#pragma once
// Tree verify: compares a copy with its catalogue, and makes a catalogue of a tree that is there.

#include "os/catalogue.hpp"
#include "world/trees.hpp"

namespace os {

// quick reads only what was not read back since it was written.
base::Result<> verify_tree(const std::string& copy, const std::string& catalogue,
                           world::Depth depth);
base::Result<std::string> catalogue_tree(const std::string& root, const std::string& catalogue);

base::Result<std::string> digest_tree(const std::string& root);
base::Result<std::vector<world::Difference>>
compare_trees(const std::string& a, const std::string& b, const std::vector<std::string>& exclude);

} // namespace os
