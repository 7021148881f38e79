#pragma once
// Neighbours: what other configurations say they own. Pure, and tolerant.

#include "base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace checks {

struct OtherStack { // another belay.yaml
  std::string name;
  std::string state_folder;        // absolute
  std::vector<std::string> places; // of its stores, absolute; what needs a variable is left out
};
// `folder`: where the file is. An empty name: it is no belay.yaml.
base::Result<OtherStack> parse_other_stack(std::string_view text, const std::string& folder);

struct ComposeService {
  std::string name;
  std::string container; // its name, where the file says one
  std::string image;
  std::vector<std::string> folders; // of this machine that it mounts, absolute
  std::vector<std::string> volumes; // named ones
  bool has_docker = false;          // it mounts the Docker socket
};
base::Result<std::vector<ComposeService>> parse_compose(std::string_view text,
                                                        const std::string& folder);

// Programs that replace containers by themselves: "containrrr/watchtower:1".
bool is_auto_updater(std::string_view image);

} // namespace checks
