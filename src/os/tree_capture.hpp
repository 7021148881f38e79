#pragma once
// Tree capture: brings a kept copy up to its source, reading and writing only what differs from
// the catalogue of the call before.

#include "os/catalogue.hpp"
#include "world/trees.hpp"

namespace os {

base::Result<world::Capture> capture_tree(const std::string& source, const std::string& copy,
                                          const std::string& catalogue,
                                          const world::CaptureOptions& options);
base::Result<> verify_tree(const std::string& copy, const std::string& catalogue,
                           world::Depth depth);
base::Result<std::string> catalogue_tree(const std::string& root, const std::string& catalogue);
// Everything in `root` is on the disk: the whole file system, or each file and folder.
base::Result<> sync_tree(const std::string& root, const std::vector<std::string>& changed);

} // namespace os
