#pragma once
// LookInto: what an archive holds, read without unpacking it.

#include "world/trees.hpp"

namespace os {

// invalid_input: not an archive, or it unpacks to more than 20 GiB.
base::Result<world::ArchiveContents> look_into_archive(const std::string& archive,
                                                       const std::vector<std::string>& names,
                                                       std::size_t text_bytes_max);

} // namespace os
