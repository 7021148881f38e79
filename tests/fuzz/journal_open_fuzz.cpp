// Any bytes on the disk: the journal opens, or says that it is corrupt; it never dies. What opened
// takes another record, and opens again with it.

#include "journal/journal.hpp"
#include "sim/sim_world.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sim::SimWorld world;
  auto& files = world.ports().files;
  world.host.disk.write("/j", {reinterpret_cast<const char*>(data), size});
  const auto seen = journal::Journal::look(files, "/j");
  auto opened = journal::Journal::open(files, "/j");
  CHECK(bool{seen} == bool{opened});
  if (!opened) {
    CHECK(opened.error().kind == base::ErrorKind::corrupt ||
          opened.error().kind == base::ErrorKind::too_new);
    return 0;
  }
  CHECK(seen.value().records() == opened.value().records());
  CHECK(opened.value().append("one more"));
  const auto again = journal::Journal::open(files, "/j");
  CHECK(again);
  CHECK(again.value().records() == opened.value().records());
  return 0;
}
