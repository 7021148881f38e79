#include "repo/format/pack.hpp"

#include <cstring>

namespace repo::format {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

constexpr std::size_t plain_entry_bytes = 1 + 4 + 32;
constexpr std::size_t compressed_entry_bytes = 1 + 4 + 4 + 32;
constexpr std::size_t blobs_max = header_bytes_max / compressed_entry_bytes - 1;

void append_number(std::string& out, std::uint32_t value) {
  for (const unsigned shift : {0U, 8U, 16U, 24U})
    out += static_cast<char>(value >> shift);
}

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (unsigned byte = 0; byte < 4; ++byte)
    value |= std::uint32_t{static_cast<unsigned char>(bytes[at + byte])} << (8 * byte);
  return value;
}

Error broken(std::string_view why) {
  return {ErrorKind::corrupt, "the header of the pack is broken: " + std::string{why}, ""};
}

std::size_t entry_bytes(const PackedBlob& blob) {
  return blob.uncompressed_bytes != 0 ? compressed_entry_bytes : plain_entry_bytes;
}

} // namespace

const char* name_of(BlobType type) {
  return type == BlobType::tree ? "tree" : "data";
}

std::string encode_header(std::span<const PackedBlob> blobs) {
  std::string header;
  header.reserve(blobs.size() * compressed_entry_bytes);
  for (const PackedBlob& blob : blobs) {
    const bool is_compressed = blob.uncompressed_bytes != 0;
    header += static_cast<char>(static_cast<unsigned>(blob.type) + (is_compressed ? 2U : 0U));
    append_number(header, blob.length);
    if (is_compressed)
      append_number(header, blob.uncompressed_bytes);
    header.append(reinterpret_cast<const char*>(blob.id.bytes.data()), blob.id.bytes.size());
  }
  return header;
}

Result<std::vector<PackedBlob>> decode_header(std::string_view plain) {
  std::vector<PackedBlob> blobs;
  std::uint64_t offset = 0;
  while (!plain.empty()) {
    const auto kind = static_cast<unsigned char>(plain.front());
    if (kind > 3)
      return broken("a blob is of a type that is unknown");
    const bool is_compressed = kind >= 2;
    const std::size_t size = is_compressed ? compressed_entry_bytes : plain_entry_bytes;
    if (plain.size() < size)
      return broken("it ends within an entry");
    PackedBlob blob;
    blob.type = (kind & 1U) != 0 ? BlobType::tree : BlobType::data;
    blob.offset = static_cast<std::uint32_t>(offset);
    blob.length = number_at(plain, 1);
    if (is_compressed)
      blob.uncompressed_bytes = number_at(plain, 5);
    std::memcpy(blob.id.bytes.data(), plain.data() + size - 32, 32);
    if (blob.length < seal_bytes || (is_compressed && blob.uncompressed_bytes == 0))
      return broken("a blob is too short");
    offset += blob.length;
    if (offset > UINT32_MAX)
      return broken("its blobs are larger than a pack can be");
    blobs.push_back(blob);
    plain.remove_prefix(size);
  }
  if (blobs.empty())
    return broken("it names no blob");
  return blobs;
}

Result<std::uint32_t> header_length(std::string_view tail, std::uint64_t pack_bytes) {
  if (tail.size() != pack_tail_bytes)
    return broken("the file is too short");
  const std::uint32_t length = number_at(tail, 0);
  if (length < seal_bytes + plain_entry_bytes || length > header_bytes_max)
    return broken("its length is impossible");
  if (pack_bytes < length + pack_tail_bytes)
    return broken("it is longer than the file");
  return length;
}

std::uint64_t pack_size(std::span<const PackedBlob> blobs) {
  std::uint64_t size = seal_bytes + pack_tail_bytes;
  for (const PackedBlob& blob : blobs)
    size += blob.length + entry_bytes(blob);
  return size;
}

void PackBuilder::added(const Id& id, std::uint32_t uncompressed_bytes) {
  const std::uint32_t offset = blobs_.empty() ? 0 : blobs_.back().offset + blobs_.back().length;
  const auto length = static_cast<std::uint32_t>(bytes_.size() - offset);
  CHECK(length >= seal_bytes);
  blobs_.push_back({id, type_, offset, length, uncompressed_bytes});
}

bool PackBuilder::is_full(std::size_t target_bytes) const {
  return bytes_.size() >= target_bytes || blobs_.size() >= blobs_max;
}

void PackBuilder::use(std::string bytes) {
  CHECK(blobs_.empty());
  bytes_ = std::move(bytes);
  bytes_.clear();
}

Hashing PackBuilder::hashing() {
  const std::string_view bytes = std::string_view{bytes_}.substr(hashed_bytes_);
  hashed_bytes_ = bytes_.size();
  return {&hash_, bytes};
}

void PackBuilder::absorb(PackBuilder& other) {
  if (blobs_.empty()) {
    bytes_.swap(other.bytes_); // no copy, and what we had is used by the other
    blobs_.swap(other.blobs_);
    std::swap(hash_, other.hash_);
    std::swap(hashed_bytes_, other.hashed_bytes_);
    return;
  }
  const auto shift = static_cast<std::uint32_t>(bytes_.size());
  bytes_ += other.bytes_;
  for (PackedBlob blob : other.blobs_) {
    blob.offset += shift;
    blobs_.push_back(blob);
  }
  other.bytes_.clear();
  other.blobs_.clear();
  other.hash_ = {};
  other.hashed_bytes_ = 0;
}

FinishedPack PackBuilder::finish(Sealer& sealer) {
  CHECK(!blobs_.empty());
  const std::size_t begin = bytes_.size();
  sealer.seal(encode_header(blobs_), bytes_);
  append_number(bytes_, static_cast<std::uint32_t>(bytes_.size() - begin));
  Hashing rest = hashing();
  update({&rest, 1});
  FinishedPack pack{hash_.finish(), type_, std::move(bytes_), std::move(blobs_)};
  bytes_.clear();
  blobs_.clear();
  hashed_bytes_ = 0;
  return pack;
}

} // namespace repo::format
