// Any bytes as an audit log: each line follows from the one before or is corrupt, what is read is
// written as a line that is read as the same, and the log takes another record.

#include "admission/audit.hpp"
#include "sim/sim_world.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text{reinterpret_cast<const char*>(data), size};
  sim::SimWorld world;
  CHECK(world.ports().files.create_folders("/a"));
  world.host.disk.write("/a/audit", text);
  admission::AuditLog log{world.ports(), "/a"};
  std::uint64_t count = 0;
  const auto read =
      log.read([&](const admission::AuditRecord& record, const admission::AuditHead& head) {
        CHECK(record.number == ++count && head.number == count);
        CHECK(admission::head_named(admission::words_of(head)) == head);
        const auto line = admission::audit_line(record, {});
        admission::AuditReader again;
        CHECK(record.number != 1 || again.next({line.text.data(), line.text.size() - 1}));
      });
  if (!read)
    CHECK(read.error().kind == base::ErrorKind::corrupt ||
          read.error().kind == base::ErrorKind::too_new);
  CHECK(!admission::head_named(text) || size < 100);
  const auto added = log.append({.who = "user 0", .over = "http", .what = "backup"});
  if (read)
    CHECK(added && added.value().number == count + 1 && log.verify(read.value().head));
  return 0;
}
