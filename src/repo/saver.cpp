#include "repo/saver.hpp"

#include <algorithm>

namespace repo {

using backend::FileKind;
using backend::text_of;
using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using format::BlobType;
using format::FinishedPack;
using format::Id;
using format::PackedBlob;

namespace {

constexpr std::size_t index_blobs_max = 50'000; // of one index file, as restic has it
constexpr std::size_t small_bytes = 128U << 10U;
constexpr std::size_t sample_bytes = 8U << 10U;

} // namespace

BlobSaver::BlobSaver(Repository& repository, BlobType type, const SaveOptions& options,
                     Added& added, Sink sink)
    : repository_{repository}, type_{type}, options_{options}, added_{added},
      sink_{std::move(sink)}, sealer_{repository.key(), repository.ports().random},
      compressor_{options.level}, compressor_small_{options.level_small}, sampler_{1}, builder_{
                                                                                           type} {}

// Two samples tell of most data whether all the work would be for nothing.
bool BlobSaver::is_worth_compressing(std::string_view plain) {
  if (repository_.config().version < 2 || plain.empty())
    return false;
  if (type_ == BlobType::tree)
    return true;
  if (options_.level == 0)
    return false;
  if (plain.size() < 8 * sample_bytes)
    return true;
  const std::string_view first = plain.substr(plain.size() / 4, sample_bytes);
  const std::string_view second = plain.substr(plain.size() / 4 * 3, sample_bytes);
  compressed_.clear();
  sampler_.compress(first, compressed_);
  sampler_.compress(second, compressed_);
  return compressed_.size() < 2 * sample_bytes / 100 * 97;
}

bool BlobSaver::flush_if_full() {
  return !builder_.is_full(options_.pack_bytes) || flush();
}

// A pack grows in one piece of memory, if possible in one that was used before. What is not
// written to costs nothing. It is never larger than it is meant to be, unless by a single blob.
bool BlobSaver::make_room(std::size_t bytes) {
  const std::size_t enough = std::max(options_.pack_bytes, format::chunk_bytes_max);
  if (!builder_.is_empty() && builder_.size_bytes() + bytes > enough && !flush())
    return false;
  if (builder_.is_empty()) {
    builder_.use(repository_.spare().take());
    builder_.bytes().reserve(std::max(enough, bytes) + (256U << 10U)); // with its header
  }
  return true;
}

bool BlobSaver::save(const Id& id, std::string_view plain) {
  if (!flush_if_full())
    return false;
  std::uint32_t uncompressed_bytes = 0;
  std::string_view stored = plain;
  if (is_worth_compressing(plain)) {
    compressed_.clear();
    (plain.size() < small_bytes ? compressor_small_ : compressor_).compress(plain, compressed_);
    if (type_ == BlobType::tree || compressed_.size() < plain.size()) {
      stored = compressed_;
      uncompressed_bytes = static_cast<std::uint32_t>(plain.size());
    }
  }
  if (!make_room(stored.size() + format::seal_bytes))
    return false;
  sealer_.seal(stored, builder_.bytes());
  builder_.added(id, uncompressed_bytes);
  ++(type_ == BlobType::tree ? added_.tree_blobs : added_.data_blobs);
  added_.bytes += plain.size();
  added_.bytes_packed += stored.size() + format::seal_bytes;
  return true;
}

bool BlobSaver::save_sealed(const PackedBlob& blob, std::string_view box) {
  if (!flush_if_full())
    return false;
  if (!make_room(box.size()))
    return false;
  builder_.bytes() += box;
  builder_.added(blob.id, blob.uncompressed_bytes);
  return true;
}

bool BlobSaver::absorb(BlobSaver& other) {
  if (other.builder_.is_empty())
    return true;
  if (builder_.size_bytes() + other.builder_.size_bytes() > options_.pack_bytes && !flush())
    return false;
  builder_.absorb(other.builder_);
  return flush_if_full();
}

bool BlobSaver::flush() {
  return builder_.is_empty() || sink_(builder_.finish(sealer_));
}

Result<> PackStore::store(FinishedPack pack) {
  TRY(lock_.keep());
  TRY(repository_.backend().save({FileKind::pack, pack.id}, pack.bytes));
  repository_.spare().put(std::move(pack.bytes));
  stored_.push_back({pack.id, std::move(pack.blobs)});
  repository_.index().add(stored_.back());
  blobs_waiting_ += stored_.back().blobs.size();
  return blobs_waiting_ >= index_blobs_max ? flush() : ok();
}

Result<> PackStore::flush() {
  while (indexed_ < stored_.size()) {
    std::vector<format::IndexedPack> packs;
    std::size_t blobs = 0;
    for (std::size_t at = indexed_; at < stored_.size() && blobs < index_blobs_max; ++at) {
      packs.push_back(stored_[at]);
      blobs += stored_[at].blobs.size();
    }
    TRY(lock_.keep());
    TRY(repository_.save(FileKind::index, format::index_to_json(packs)));
    indexed_ += packs.size();
  }
  blobs_waiting_ = 0;
  return ok();
}

Result<std::vector<PackedBlob>> read_header(Repository& repository, format::Sealer& sealer,
                                            const backend::Listed& pack) {
  const backend::FileName name{FileKind::pack, pack.id};
  const std::string where = text_of(name);
  if (pack.size_bytes < format::pack_tail_bytes)
    return Error{ErrorKind::corrupt, "'" + where + "' is too short", ""};
  const std::string tail = TRY(repository.backend().load(
      name, pack.size_bytes - format::pack_tail_bytes, format::pack_tail_bytes));
  const std::uint32_t length =
      TRY_CONTEXT(format::header_length(tail, pack.size_bytes), "'" + where + "'");
  const std::string box = TRY(
      repository.backend().load(name, pack.size_bytes - format::pack_tail_bytes - length, length));
  const std::string header = TRY_CONTEXT(sealer.open(box), "the header of '" + where + "'");
  auto blobs = TRY_CONTEXT(format::decode_header(header), "'" + where + "'");
  if (format::pack_size(blobs) != pack.size_bytes)
    return Error{ErrorKind::corrupt, "'" + where + "' is not as long as its header says", ""};
  return blobs;
}

Result<> PackStore::read_back(bool is_all) {
  BlobReader reader{repository_};
  format::Sealer sealer{repository_.key(), repository_.ports().random};
  std::string plain;
  for (const format::IndexedPack& pack : stored_) {
    const auto blobs =
        TRY(read_header(repository_, sealer, {pack.id, format::pack_size(pack.blobs)}));
    if (blobs != pack.blobs)
      return Error{ErrorKind::corrupt,
                   "'" + text_of({FileKind::pack, pack.id}) + "' does not hold what was written",
                   ""};
    std::array<unsigned char, 4> random{};
    repository_.ports().random.fill(random);
    const std::size_t one = (random[0] + 256U * random[1] + 65536U * random[2]) % pack.blobs.size();
    for (std::size_t at = is_all ? 0 : one; at < (is_all ? pack.blobs.size() : one + 1); ++at) {
      const BlobPlace place{pack.id, pack.blobs[at]};
      const std::string box = TRY(repository_.backend().load({FileKind::pack, pack.id},
                                                             place.blob.offset, place.blob.length));
      TRY(reader.unpack(place, box, plain));
    }
  }
  return ok();
}

} // namespace repo
