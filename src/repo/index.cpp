#include "repo/index.hpp"

namespace repo {

using format::BlobType;
using format::Id;

std::size_t Index::Table::slot_of(const Id& id) const {
  const std::size_t mask = slots.size() - 1;
  std::size_t slot = format::IdHash{}(id)&mask;
  while (slots[slot] != 0 && rows[slots[slot] - 1].id != id)
    slot = (slot + 1) & mask;
  return slot;
}

Index::Row& Index::Table::row_for(const Id& id, bool& is_new) {
  if (4 * (rows.size() + 1) > 3 * slots.size()) {
    slots.assign(slots.empty() ? 1024 : 2 * slots.size(), 0);
    for (std::size_t row = 0; row < rows.size(); ++row)
      slots[slot_of(rows[row].id)] = static_cast<std::uint32_t>(row + 1);
  }
  std::uint32_t& slot = slots[slot_of(id)];
  is_new = slot == 0;
  if (is_new) {
    CHECK(rows.size() < UINT32_MAX - 1);
    rows.push_back({.id = id});
    slot = static_cast<std::uint32_t>(rows.size());
  }
  return rows[slot - 1];
}

void Index::add(const format::IndexedPack& pack) {
  const std::scoped_lock guard{mutex_};
  const auto number = static_cast<std::uint32_t>(packs_.size());
  CHECK(number != no_pack);
  packs_.push_back(pack.id);
  for (const format::PackedBlob& blob : pack.blobs) {
    bool is_new = false;
    Row& row = table_of(blob.type).row_for(blob.id, is_new);
    if (row.pack == no_pack)
      row = {blob.id, number, blob.offset, blob.length, blob.uncompressed_bytes};
  }
}

std::optional<BlobPlace> Index::find(const Id& id, BlobType type) const {
  const std::scoped_lock guard{mutex_};
  const Table& table = tables_[type == BlobType::tree ? 1 : 0];
  if (table.slots.empty())
    return std::nullopt;
  const std::uint32_t slot = table.slots[table.slot_of(id)];
  if (slot == 0 || table.rows[slot - 1].pack == no_pack)
    return std::nullopt;
  const Row& row = table.rows[slot - 1];
  return BlobPlace{packs_[row.pack],
                   {row.id, type, row.offset, row.length, row.uncompressed_bytes}};
}

bool Index::claim(const Id& id, BlobType type) {
  const std::scoped_lock guard{mutex_};
  bool is_new = false;
  table_of(type).row_for(id, is_new);
  return is_new;
}

std::size_t Index::size() const {
  const std::scoped_lock guard{mutex_};
  return tables_[0].rows.size() + tables_[1].rows.size();
}

} // namespace repo
