// Any bytes as the name of an archive's entry: what may be unpacked stays in its folder.

#include "base/text.hpp"
#include "os/unpack.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string name{reinterpret_cast<const char*>(data), size};
  if (!os::archive_name_problem(name).empty())
    return 0;
  CHECK(!name.empty());
  CHECK(!name.contains('\0'));
  CHECK(base::is_inside(base::absolute_path("/to/new/" + name, "/"), "/to/new"));
  for (const std::string& part : base::split(name, '/'))
    CHECK(part != "..");
  return 0;
}
