#pragma once
// Pack: texts as the bytes of one .tar.gz. Pure.

#include "base/result.hpp"
#include "world/clock.hpp"

#include <string>
#include <vector>

namespace app {

struct PackedFile {
  std::string name; // in the archive, relative
  std::string bytes;
};

// In this order; each file is its owner's alone (0600), and of the time `at`.
base::Result<std::string> pack(const std::vector<PackedFile>& files, world::TimePoint at);

} // namespace app
