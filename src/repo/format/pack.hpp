#pragma once
// Pack: a file of sealed blobs with a sealed table of contents at its end.
// Source: restic design.rst, "Pack Format".

#include "repo/format/id.hpp"
#include "repo/format/seal.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "repo/format/sha256.hpp"

namespace repo::format {

enum class BlobType : std::uint8_t { data = 0, tree = 1 };
const char* name_of(BlobType type); // "data", "tree"

struct PackedBlob {
  Id id; // of the plain bytes
  BlobType type = BlobType::data;
  std::uint32_t offset = 0;             // in the pack
  std::uint32_t length = 0;             // as it is stored, sealed
  std::uint32_t uncompressed_bytes = 0; // 0: stored without compression
  bool operator==(const PackedBlob&) const = default;
  std::uint64_t plain_bytes() const {
    return uncompressed_bytes != 0 ? uncompressed_bytes : length - seal_bytes;
  }
};

constexpr std::size_t header_bytes_max = 16U << 20U; // sealed
constexpr std::size_t pack_tail_bytes = 4;           // the length of the sealed header

std::string encode_header(std::span<const PackedBlob> blobs);
// Offsets follow from the lengths. corrupt.
base::Result<std::vector<PackedBlob>> decode_header(std::string_view plain);
// Of the sealed header, from the last 4 bytes of a pack of this size. corrupt.
base::Result<std::uint32_t> header_length(std::string_view tail, std::uint64_t pack_bytes);
// Bytes of a pack with these blobs; a reader compares it with the size of the file.
std::uint64_t pack_size(std::span<const PackedBlob> blobs);

struct FinishedPack {
  Id id;
  BlobType type = BlobType::data;
  std::string bytes;
  std::vector<PackedBlob> blobs;
};

// Gathers sealed blobs of one type. For one thread.
class PackBuilder {
public:
  explicit PackBuilder(BlobType type) : type_{type} {}
  // An empty one goes on in `bytes`, whose memory is used again.
  void use(std::string bytes);
  // Where the next blob is to be appended, sealed; then added() tells what it was.
  std::string& bytes() { return bytes_; }
  void added(const Id& id, std::uint32_t uncompressed_bytes);
  std::size_t size_bytes() const { return bytes_.size(); }
  bool is_empty() const { return blobs_.empty(); }
  bool is_full(std::size_t target_bytes) const;
  // What is not hashed yet for the name of the pack: hashed beside something else it costs little.
  // The bytes are valid until the next blob.
  Hashing hashing();
  // Takes over what `other` gathered, which is empty afterwards.
  void absorb(PackBuilder& other);
  // With its header; the builder is empty afterwards. There must be a blob.
  FinishedPack finish(Sealer& sealer);

private:
  BlobType type_;
  std::string bytes_;
  std::vector<PackedBlob> blobs_;
  Sha256 hash_;
  std::size_t hashed_bytes_ = 0;
};

} // namespace repo::format
