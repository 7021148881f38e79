#include "repo/restore_run.hpp"

#include <algorithm>
#include <cstring>

namespace repo {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using format::BlobType;
using format::Id;

namespace {

constexpr std::uint64_t read_bytes_max = 8U << 20U; // of one pack at once
constexpr std::size_t write_bytes_max = 4U << 20U;  // of one file at once
constexpr std::size_t zero_run_bytes = 64U << 10U;
constexpr std::size_t page_bytes = 4096;
// Two changed runs that are so near to each other are written as one.
constexpr std::size_t gap_bytes = 4 * page_bytes;

bool is_zero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

} // namespace

Result<std::string_view> Comparer::read(world::SourceFile& old, std::uint64_t offset,
                                        std::size_t length) {
  buffer_.resize(length);
  const std::size_t got = TRY(old.read({buffer_.data(), length}, offset));
  std::fill(buffer_.begin() + static_cast<std::ptrdiff_t>(got), buffer_.end(), '\0');
  bytes_ += got;
  return std::string_view{buffer_};
}

Result<bool> Comparer::is_same(world::SourceFile& old, std::uint64_t offset, std::uint32_t length,
                               const Id& id) {
  const auto [data, end] = TRY(old.next_data(offset));
  const bool is_hole = data == end || data >= offset + length;
  if (!is_hole)
    return format::id_of(TRY(read(old, offset, length))) == id;
  auto zeros = zeros_.find(length);
  if (zeros == zeros_.end())
    zeros = zeros_.emplace(length, format::id_of(std::string(length, '\0'))).first;
  return zeros->second == id;
}

Result<> RestoreRun::work() {
  BlobReader reader{repository_};
  Comparer comparer{compared_};
  while (const auto part = parts_.pop()) {
    TRY_CONTEXT(write(*part, reader, comparer), "'" + part->file->path + "'");
    TRY(done_with(*part->file));
  }
  return ok();
}

Result<> RestoreRun::write(const Part& part, BlobReader& reader, Comparer& comparer) {
  OpenFile& file = *part.file;
  std::vector<BlobPlace> places;
  std::vector<bool> is_needed;
  for (std::size_t at = part.begin; at < part.end; ++at) {
    const Id& id = file.node.content[at];
    places.push_back(*repository_.index().find(id, BlobType::data));
    const auto length = static_cast<std::uint32_t>(places.back().blob.plain_bytes());
    is_needed.push_back(!file.old ||
                        !TRY(comparer.is_same(*file.old, file.offsets[at], length, id)));
    if (is_needed.back() && is_dry_run())
      bytes_ += length;
    if (is_needed.back())
      file.is_changed = true;
  }
  if (is_dry_run())
    return ok();
  for (std::size_t first = 0; first < places.size() && !is_over_;) {
    if (!is_needed[first]) {
      ++first;
      continue;
    }
    std::size_t end = first + 1; // blobs that lie one after the other in a pack are read at once
    std::uint64_t bytes = places[first].blob.length;
    while (end < places.size() && is_needed[end] && places[end].pack == places[first].pack &&
           places[end].blob.offset == places[first].blob.offset + bytes &&
           bytes + places[end].blob.length <= read_bytes_max)
      bytes += places[end++].blob.length;
    const std::vector<BlobPlace> run{places.begin() + static_cast<std::ptrdiff_t>(first),
                                     places.begin() + static_cast<std::ptrdiff_t>(end)};
    TRY(fetch({part.file, part.begin + first, part.begin + end}, run, reader, comparer));
    first = end;
  }
  return ok();
}

// Blobs that lie one after the other.
Result<> RestoreRun::fetch(const Part& part, const std::vector<BlobPlace>& places,
                           BlobReader& reader, Comparer& comparer) {
  const backend::FileName pack{backend::FileKind::pack, places.front().pack};
  const std::uint64_t bytes =
      places.back().blob.offset + places.back().blob.length - places.front().blob.offset;
  auto box = repository_.backend().load(pack, places.front().blob.offset, bytes);
  if (!box && box.error().kind == ErrorKind::not_found)
    return Error{ErrorKind::corrupt, "the pack '" + backend::text_of(pack) + "' is missing", ""};
  if (!box)
    return std::move(box).error();
  std::string_view rest = box.value();
  std::string plain;
  for (std::size_t at = 0; at < places.size(); ++at) {
    const std::uint32_t length = places[at].blob.length;
    TRY(reader.unpack(places[at], rest.substr(0, length), plain));
    rest.remove_prefix(std::min<std::size_t>(length, rest.size()));
    const std::uint64_t offset = part.file->offsets[part.begin + at];
    TRY(part.file->old ? put_changes(*part.file, plain, offset, comparer)
                       : put(*part.file, plain, offset));
  }
  return ok();
}

Result<> RestoreRun::put(OpenFile& file, std::string_view bytes, std::uint64_t offset) {
  bytes_ += bytes.size();
  if (!options_.has_holes)
    return file.file->write(bytes, offset);
  const auto is_hole = [&](std::size_t at) { return is_zero(bytes.substr(at, zero_run_bytes)); };
  for (std::size_t begin = 0; begin < bytes.size();) {
    std::size_t end = begin;
    while (end < bytes.size() && !is_hole(end))
      end = std::min(end + zero_run_bytes, bytes.size());
    if (end > begin)
      TRY(file.file->write(bytes.substr(begin, end - begin), offset + begin));
    begin = std::min(end + zero_run_bytes, bytes.size());
  }
  return ok();
}

// Writes the pages that differ from what is there.
Result<> RestoreRun::put_changes(OpenFile& file, std::string_view bytes, std::uint64_t offset,
                                 Comparer& comparer) {
  const std::string_view old = TRY(comparer.read(*file.old, offset, bytes.size()));
  // Pages are those of the file: the first may begin in the middle of one.
  const auto after = [&](std::size_t at) {
    return std::min<std::size_t>(at + page_bytes - (offset + at) % page_bytes, bytes.size());
  };
  const auto page = [&](std::string_view of, std::size_t at) {
    return of.substr(at, after(at) - at);
  };
  const auto is_same = [&](std::size_t at) { return page(bytes, at) == page(old, at); };
  const auto is_hole = [&](std::size_t at) {
    return options_.has_holes && is_zero(page(bytes, at));
  };
  for (std::size_t begin = 0; begin < bytes.size();) {
    std::size_t end = after(begin);
    if (is_same(begin)) {
      begin = end;
      continue;
    }
    const bool is_punched = is_hole(begin);
    std::size_t look = end; // pages from `end` to here are the same
    while (look < bytes.size() && look - end <= gap_bytes && look - begin < write_bytes_max &&
           is_hole(look) == is_punched) {
      const bool differs = !is_same(look);
      look = after(look);
      if (differs)
        end = look;
    }
    bytes_ += end - begin;
    TRY(is_punched ? file.both->punch(offset + begin, end - begin)
                   : file.both->write(bytes.substr(begin, end - begin), offset + begin));
    begin = end;
  }
  return ok();
}

Result<> RestoreRun::done_with(OpenFile& file) {
  if (--file.pending != 0)
    return ok();
  const world::Entry entry = entry_of(file.node);
  ++files_;
  if (file.live && !file.is_changed && is_same_entry(entry, *file.live)) {
    ++unchanged_;
  } else {
    tell(file.live ? InPlace::Change::change : InPlace::Change::make, file.path);
    if (file.file)
      TRY(file.file->finish(entry));
  }
  file.file.reset();
  file.old.reset();
  file.both.reset();
  return done_in(file.folder);
}

} // namespace repo
