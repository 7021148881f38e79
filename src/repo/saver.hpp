#pragma once
// Saver: makes packs of blobs, and stores them with their index.

#include "repo/lock.hpp"

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace repo {

struct SaveOptions {
  // As zstd counts; 0 stores data as it is. The default: fast, and as small as slower ones on the
  // pages of databases; small texts are worth more.
  int level = 1;
  int level_small = 3; // of blobs below 128 KiB
  std::size_t pack_bytes = pack_bytes_default;
};

struct Added { // what was new; several threads count
  std::atomic<std::uint64_t> data_blobs = 0;
  std::atomic<std::uint64_t> tree_blobs = 0;
  std::atomic<std::uint64_t> bytes = 0;
  std::atomic<std::uint64_t> bytes_packed = 0;
};

// Compresses, seals and gathers blobs of one type. For one thread.
class BlobSaver {
public:
  // Takes over a pack that is full; false: it is all over, and nothing more is wanted.
  using Sink = std::function<bool(format::FinishedPack)>;
  BlobSaver(Repository& repository, format::BlobType type, const SaveOptions& options, Added& added,
            Sink sink);
  // Stores a blob that the index does not have and nobody else stores. Its id is `id`.
  bool save(const format::Id& id, std::string_view plain);
  // What the pack under way lacks of its name: to be hashed together with what is saved next, and
  // before that.
  format::Hashing hashing() { return builder_.hashing(); }
  // A blob as it is stored elsewhere, sealed with the same key.
  bool save_sealed(const format::PackedBlob& blob, std::string_view box);
  // Takes over what `other` gathered, as far as it fits into one pack.
  bool absorb(BlobSaver& other);
  bool flush(); // what is gathered, as a pack
  // When it is a full pack. save() does it too, before it adds more.
  bool flush_if_full();

private:
  bool is_worth_compressing(std::string_view plain);
  bool make_room(std::size_t bytes);
  Repository& repository_;
  format::BlobType type_;
  SaveOptions options_;
  Added& added_;
  Sink sink_;
  format::Sealer sealer_;
  format::Compressor compressor_;
  format::Compressor compressor_small_;
  format::Compressor sampler_;
  format::PackBuilder builder_;
  std::string compressed_;
};

// Stores packs durably, and index files for what is stored, as long as the lock holds: who slept
// too long must not name packs that another one has removed since. For one thread: the one with
// effects.
class PackStore {
public:
  PackStore(Repository& repository, Lock& lock) : repository_{repository}, lock_{lock} {}
  base::Result<> store(format::FinishedPack pack);
  base::Result<> flush(); // the index of what was stored since
  const std::vector<format::IndexedPack>& stored() const { return stored_; }
  // Reads back from the backend, of every pack that was stored, its header and one blob or all,
  // and compares. corrupt.
  base::Result<> read_back(bool is_all);

private:
  Repository& repository_;
  Lock& lock_;
  std::vector<format::IndexedPack> stored_;
  std::size_t indexed_ = 0; // so many of them
  std::size_t blobs_waiting_ = 0;
};

// The table of contents of a pack, read from the pack itself. corrupt.
base::Result<std::vector<format::PackedBlob>>
read_header(Repository& repository, format::Sealer& sealer, const backend::Listed& pack);

} // namespace repo
