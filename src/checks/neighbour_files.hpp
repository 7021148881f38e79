#pragma once
// NeighbourFiles: the belay.yaml and compose files that may have to do with this stack: beside its
// belay.yaml, in the folders next to the project, and those that `preflight.neighbours` names.

#include "checks/look.hpp"
#include "checks/neighbours.hpp"

#include <string>
#include <vector>

namespace checks {

struct OtherFile {
  std::string path;
  OtherStack stack;
};
struct ComposeFile {
  std::string path;
  std::vector<ComposeService> services;
};
struct NeighbourFiles {
  std::vector<OtherFile> stacks; // of other stacks only
  std::vector<ComposeFile> compose;
  std::vector<std::string> unreadable; // "path: why"
};
NeighbourFiles neighbour_files(const Look& look);

} // namespace checks
