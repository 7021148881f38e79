// Any bytes as an archive or dump that is to be imported: refused, or entries in their order, below
// one folder, with names that a snapshot can keep.

#include "base/text.hpp"
#include "repo/archive.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

namespace {

using base::Result;

constexpr std::uint64_t bytes_max = 4U << 20U; // of all that comes out: a bomb ends there

class Memory final : public world::SourceFile {
public:
  explicit Memory(std::string_view bytes) : bytes_{bytes} {}
  Result<std::size_t> read(std::span<char> to, std::uint64_t offset) override {
    if (offset >= bytes_.size())
      return std::size_t{0};
    const std::size_t count = std::min<std::size_t>(to.size(), bytes_.size() - offset);
    std::memcpy(to.data(), bytes_.data() + offset, count);
    return count;
  }
  Result<std::pair<std::uint64_t, std::uint64_t>> next_data(std::uint64_t offset) override {
    return std::pair<std::uint64_t, std::uint64_t>{offset, bytes_.size()};
  }
  Result<world::Entry> now() override {
    world::Entry entry;
    entry.size_bytes = bytes_.size();
    return entry;
  }

private:
  std::string_view bytes_;
};

void check_path(const std::string& path) {
  CHECK(path.find('\0') == std::string::npos);
  if (path.empty())
    return; // the folder itself
  for (const std::string& part : base::split(path, '/'))
    CHECK(!part.empty() && part != "." && part != "..");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  // The first byte chooses a name, for that decides whether it should be an archive.
  constexpr const char* names[] = {"a.tgz", "a.tar", "a.tar.zst", "a.zip", "a.sql", "a.sql.gz"};
  const std::string name = names[data[0] % std::size(names)];
  Memory file{{reinterpret_cast<const char*>(data) + 1, size - 1}};
  bool is_open = false;
  std::uint64_t bytes = 0;
  repo::ArchiveEvents events;
  events.begin = [&](const repo::ArchiveEntry& entry) -> Result<> {
    CHECK(!is_open);
    is_open = true;
    check_path(entry.path);
    check_path(entry.hard_link);
    CHECK(entry.node.content.empty() && !entry.node.subtree);
    return base::ok();
  };
  events.bytes = [&](std::string_view some) -> Result<> {
    CHECK(is_open);
    bytes += some.size();
    if (bytes > bytes_max)
      return base::Error{base::ErrorKind::interrupted, "enough", ""};
    return base::ok();
  };
  events.end = [&]() -> Result<> {
    CHECK(is_open);
    is_open = false;
    return base::ok();
  };
  const auto summary = repo::read_archive(file, name, events);
  if (!summary) {
    CHECK(!summary.error().message.empty());
    return 0;
  }
  CHECK(!is_open && summary.value().bytes == bytes);
  return 0;
}
