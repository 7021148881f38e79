#pragma once
// Repo tree: trees of files that change at random, and what a restore did to one, in another order.

#include "sim/folder_tree.hpp"

#include <random>
#include <string>
#include <vector>

namespace repo_sim {

// A few changes below the folder `root`, which is made when it is not there: files come, go, grow,
// shrink and change in the middle; folders, links, hard links, modes and attributes.
void mutate(sim::FolderTree& tree, const std::string& root, std::mt19937_64& random);

// The same effects in another order in which they might have taken place: what was done to one file
// or folder keeps its order, a folder is made before what is in it and ends after it.
std::vector<sim::FolderEffect> reordered(const std::vector<sim::FolderEffect>& effects,
                                         std::mt19937_64& random);

} // namespace repo_sim
