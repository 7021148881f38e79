#pragma once
// Earlier chunks: where a file was cut in the parent snapshot. What is still the same there is
// known by its name, without a search for cuts: the cuts are those that the search would find, for
// they depend on nothing but the bytes of the chunk.

#include "repo/index.hpp"
#include "world/folders.hpp"

#include <array>
#include <memory>
#include <span>

namespace repo {

class EarlierChunks {
public:
  // `content` are the names of the chunks. `file` stays open until the next begin().
  void begin(world::SourceFile& file, std::uint64_t size_bytes, std::span<const format::Id> content,
             const Index& index);

  struct Chunk {
    std::string_view bytes; // of now, until the next look(); as many as the earlier chunk had
    format::Id id;          // of now
    bool is_same = false;   // as the earlier one
  };
  // The chunk that begins at `offset`, as it is now. Nothing when none began there, or when its end
  // was that of the file, which is another now. Offsets grow from call to call.
  base::Result<std::optional<Chunk>> look(std::uint64_t offset);

private:
  struct Place {
    std::uint64_t offset = 0;
    std::size_t length = 0;
    format::Id id;
  };
  base::Result<bool> read();
  std::string_view bytes_of(const Place& place) const {
    return {memory_.get() + (place.offset - read_from_), place.length};
  }

  world::SourceFile* file_ = nullptr;
  std::vector<Place> places_;
  std::size_t next_ = 0;           // in places_
  std::unique_ptr<char[]> memory_; // for one chunk, or for two small ones
  std::uint64_t read_from_ = 0;    // what is in memory: from here in the file
  std::size_t read_begin_ = 0;     // these places of places_
  std::size_t read_end_ = 0;
  std::array<format::Id, 2> ids_{}; // of these places now
};

} // namespace repo
