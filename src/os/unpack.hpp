#pragma once
// Unpack: an archive into a new folder, by libarchive. Nothing in it is trusted.

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace os {

// Why an entry of this name may not be unpacked; empty when it may. Pure.
std::string archive_name_problem(std::string_view name);

// Why a link of this name to this target may not be unpacked; empty when it may. Pure. A ".." after
// an ordinary part is refused: that part may be a link itself, and then it leads elsewhere than it
// reads.
std::string archive_link_problem(std::string_view name, std::string_view target);

base::Result<> unpack_archive(const std::string& archive, const std::string& to,
                              std::uint64_t bytes_max);

} // namespace os
