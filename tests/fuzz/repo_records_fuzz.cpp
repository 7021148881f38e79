// Any JSON file of a repository, of the kind that the first byte names: what is taken is written
// so that it is read as the same, or it is an error.

#include "repo/format/records.hpp"

namespace {

using repo::format::config_from_json;
using repo::format::index_from_json;
using repo::format::index_to_json;
using repo::format::key_file_from_json;
using repo::format::lock_from_json;
using repo::format::master_key_from_json;
using repo::format::snapshot_from_json;

template <class Read>
void read_and_write(std::string_view text, Read read) {
  const auto record = read(text);
  if (!record)
    return;
  // Bytes that are no text become U+FFFD the first time.
  const auto once = read(to_json(record.value()));
  CHECK(once);
  const std::string written = to_json(once.value());
  const auto again = read(written);
  CHECK(again);
  CHECK(to_json(again.value()) == written);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
  switch (data[0]) {
  case 'c': read_and_write(text, config_from_json); break;
  case 'k': read_and_write(text, key_file_from_json); break;
  case 'm': read_and_write(text, master_key_from_json); break;
  case 'l': read_and_write(text, lock_from_json); break;
  case 's': read_and_write(text, snapshot_from_json); break;
  case 'i': {
    const auto packs = index_from_json(text);
    if (packs) {
      const auto again = index_from_json(index_to_json(packs.value()));
      CHECK(again);
      CHECK(index_to_json(again.value()) == index_to_json(packs.value()));
    }
    break;
  }
  default: break;
  }
  return 0;
}
