#pragma once
// Tree capture: brings a kept copy up to its source, reading and writing only what differs from
// the catalogue of the call before.

#include "os/catalogue.hpp"
#include "world/trees.hpp"

namespace os {

// While the copy is being changed its catalogue has this name: it claims nothing, but what it says
// of an entry whose inode and change time are the same still holds.
std::string retracted_name(const std::string& catalogue);

base::Result<world::Capture> capture_tree(const std::string& source, const std::string& copy,
                                          const std::string& catalogue,
                                          const world::CaptureOptions& options);
// The same into a new folder, without a catalogue. Not durable.
base::Result<> copy_tree(const std::string& from, const std::string& to);

} // namespace os
