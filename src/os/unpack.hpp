#pragma once
// Unpack: an archive into a new folder, by libarchive. Nothing in it is trusted.

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace os {

// Why an entry of this name may not be unpacked; empty when it may. Pure.
std::string archive_name_problem(std::string_view name);

base::Result<> unpack_archive(const std::string& archive, const std::string& to,
                              std::uint64_t bytes_max);

} // namespace os
