#pragma once
// Index: which blob is where in which pack, for all blobs of a repository, in little memory.

#include "repo/format/records.hpp"

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

namespace repo {

struct BlobPlace {
  format::Id pack;
  format::PackedBlob blob;
};

// A million blobs take 56 to 64 MB. Several threads may use it at once.
class Index {
public:
  // A blob that is in several packs is found in the one that was added first.
  void add(const format::IndexedPack& pack);
  std::optional<BlobPlace> find(const format::Id& id, format::BlobType type) const;
  // True when nobody has this blob yet: then it is the caller's to store, and is found by nobody
  // until add() tells its place.
  bool claim(const format::Id& id, format::BlobType type);
  std::size_t size() const;

private:
  static constexpr std::uint32_t no_pack = UINT32_MAX;
  struct Row {
    format::Id id;
    std::uint32_t pack = no_pack; // its number
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    std::uint32_t uncompressed_bytes = 0;
  };
  static_assert(sizeof(Row) == 48);
  struct Table { // open addressing; a slot is a row's number plus one, or zero
    std::deque<Row> rows;
    std::vector<std::uint32_t> slots;
    std::size_t slot_of(const format::Id& id) const;
    Row& row_for(const format::Id& id, bool& is_new);
  };
  Table& table_of(format::BlobType type) { return tables_[type == format::BlobType::tree ? 1 : 0]; }

  mutable std::mutex mutex_;
  Table tables_[2]; // data, tree
  std::vector<format::Id> packs_;
};

} // namespace repo
