#include "repo/earlier_chunks.hpp"

#include "repo/format/chunker.hpp"

#include "repo/format/sha256.hpp"

namespace repo {

using base::Result;

void EarlierChunks::begin(world::SourceFile& file, std::uint64_t size_bytes,
                          std::span<const format::Id> content, const Index& index) {
  file_ = &file;
  places_.clear();
  next_ = read_begin_ = read_end_ = 0;
  std::uint64_t offset = 0;
  for (const format::Id& id : content) {
    const auto place = index.find(id, format::BlobType::data);
    const std::uint64_t length = place ? place->blob.plain_bytes() : 0;
    if (length == 0 || length > format::chunk_bytes_max || offset + length > size_bytes)
      break; // lost, foreign, or the file is shorter now
    places_.push_back({offset, static_cast<std::size_t>(length), id});
    offset += length;
  }
  // The last cut was made by the end of the file.
  if (places_.size() == content.size() && !places_.empty() && offset != size_bytes)
    places_.pop_back();
}

Result<std::optional<EarlierChunks::Chunk>> EarlierChunks::look(std::uint64_t offset) {
  while (next_ < places_.size() && places_[next_].offset < offset)
    ++next_;
  if (next_ == places_.size() || places_[next_].offset != offset)
    return std::optional<Chunk>{};
  if ((next_ < read_begin_ || next_ >= read_end_) && !TRY(read()))
    return std::optional<Chunk>{};
  const format::Id& now = ids_[next_ - read_begin_];
  return std::optional{Chunk{bytes_of(places_[next_]), now, now == places_[next_].id}};
}

// Two at once when there is room: their names are made in the time of little more than one. False
// when the file became shorter meanwhile.
Result<bool> EarlierChunks::read() {
  if (!memory_)
    memory_.reset(new char[format::chunk_bytes_max]); // not set to zero
  read_begin_ = read_end_ = next_;
  read_from_ = places_[next_].offset;
  std::size_t wanted = 0;
  while (read_end_ < places_.size() && read_end_ - read_begin_ < ids_.size() &&
         wanted + places_[read_end_].length <= format::chunk_bytes_max)
    wanted += places_[read_end_++].length;
  if (TRY(file_->read({memory_.get(), wanted}, read_from_)) != wanted) {
    places_.clear();
    next_ = read_begin_ = read_end_ = 0;
    return false;
  }
  std::array<format::Sha256, 2> hashes;
  std::array<format::Hashing, 2> streams;
  const std::size_t count = read_end_ - read_begin_;
  for (std::size_t at = 0; at < count; ++at)
    streams[at] = {&hashes[at], bytes_of(places_[read_begin_ + at])};
  format::update(std::span{streams}.first(count));
  for (std::size_t at = 0; at < count; ++at)
    ids_[at] = hashes[at].finish();
  return true;
}

} // namespace repo
