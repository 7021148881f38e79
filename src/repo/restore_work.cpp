#include "base/bytes.hpp"
#include "repo/format/chunker.hpp"
#include "repo/restore_run.hpp"

#include <algorithm>
#include <array>

namespace repo {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using format::BlobType;
using format::Id;

namespace {

constexpr std::uint64_t pack_bytes_max = 8U << 20U;  // of one pack at once
constexpr std::uint64_t fetch_bytes_max = 8U << 20U; // plain; of one file, or of several small ones
constexpr std::size_t write_bytes_max = 4U << 20U;   // of one file at once
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
  base::resize_unset(buffer_, length);
  const std::size_t got = TRY(old.read({buffer_.data(), length}, offset));
  std::fill(buffer_.begin() + static_cast<std::ptrdiff_t>(got), buffer_.end(), '\0');
  bytes_ += got;
  return std::string_view{buffer_};
}

// A blob that is a hole in the file has its answer without a look at the zeros.
Result<bool> Comparer::is_hole(world::SourceFile& old, Blob& blob) {
  const auto [data, end] = TRY(old.next_data(blob.offset));
  if (data != end && data < blob.offset + blob.length)
    return false;
  blob.is_same = is_zeros(blob);
  return true;
}

bool Comparer::is_zeros(const Blob& blob) {
  auto zeros = zeros_.find(blob.length);
  if (zeros == zeros_.end())
    zeros = zeros_.emplace(blob.length, format::id_of(std::string(blob.length, '\0'))).first;
  return zeros->second == blob.id;
}

Result<> Comparer::compare(world::SourceFile& old, std::span<Blob> blobs) {
  std::vector<Blob*> some; // that are read and hashed together
  for (std::size_t at = 0; at < blobs.size(); ++at) {
    if (!TRY(is_hole(old, blobs[at])))
      some.push_back(&blobs[at]);
    if (some.size() == 2 || (!some.empty() && at + 1 == blobs.size())) {
      TRY(compare_some(old, some));
      some.clear();
    }
  }
  return ok();
}

Result<> Comparer::compare_some(world::SourceFile& old, std::span<Blob*> blobs) {
  std::size_t size = 0;
  for (const Blob* blob : blobs)
    size += blob->length;
  base::resize_unset(buffer_, size);
  std::array<format::Sha256, 2> hashes;
  std::array<format::Hashing, 2> streams;
  std::size_t at = 0;
  for (std::size_t number = 0; number < blobs.size(); ++number) {
    const std::span<char> bytes{buffer_.data() + at, blobs[number]->length};
    const std::size_t got = TRY(old.read(bytes, blobs[number]->offset));
    std::ranges::fill(bytes.subspan(got), '\0');
    bytes_ += got;
    streams[number] = {&hashes[number], {bytes.data(), bytes.size()}};
    at += bytes.size();
  }
  format::update(std::span{streams}.first(blobs.size()));
  for (std::size_t number = 0; number < blobs.size(); ++number)
    blobs[number]->is_same = hashes[number].finish() == blobs[number]->id;
  return ok();
}

Result<> RestoreRun::work() {
  Hand hand{BlobReader{repository_}, Comparer{compared_}, {}};
  while (const auto parts = parts_.pop()) {
    TRY(write(*parts, hand));
    for (const Part& part : *parts)
      TRY_CONTEXT(done_with(*part.file), "'" + part.file->path + "'");
  }
  return ok();
}

Result<> RestoreRun::write(const Parts& parts, Hand& hand) {
  std::vector<Wanted> wanted;
  for (const Part& part : parts)
    TRY_CONTEXT(add_wanted(part, hand.comparer, wanted), "'" + part.file->path + "'");
  if (is_dry_run())
    return ok();
  for (std::size_t first = 0; first < wanted.size() && !is_over_;) {
    std::size_t end = first;
    for (std::size_t bytes = 0; end < wanted.size(); ++end) {
      const std::uint64_t size = wanted[end].place.blob.plain_bytes();
      if (end != first && bytes + size > fetch_bytes_max)
        break;
      wanted[end].at = bytes;
      bytes += size;
    }
    TRY(fetch(std::span{wanted}.subspan(first, end - first), hand));
    first = end;
  }
  return ok();
}

// The blobs that the file has not yet.
Result<> RestoreRun::add_wanted(const Part& part, Comparer& comparer, std::vector<Wanted>& wanted) {
  OpenFile& file = *part.file;
  std::vector<Wanted> all;
  std::vector<Comparer::Blob> blobs;
  for (std::size_t at = part.begin; at < part.end; ++at) {
    const Id& id = file.node.content[at];
    all.push_back({&file, file.offsets[at], *repository_.index().find(id, BlobType::data), 0});
    const auto length = static_cast<std::uint32_t>(all.back().place.blob.plain_bytes());
    blobs.push_back({file.offsets[at], length, id, false});
  }
  if (file.old)
    TRY(comparer.compare(*file.old, blobs));
  for (std::size_t at = 0; at < all.size(); ++at) {
    if (blobs[at].is_same)
      continue;
    file.is_changed = true;
    // Long runs of zeros are cut into blobs of the smallest size; what a new file lacks is zeros.
    const bool is_left_out = !file.old && options_.has_holes &&
                             blobs[at].length == format::chunk_bytes_min &&
                             comparer.is_zeros(blobs[at]);
    if (is_dry_run() || is_left_out)
      bytes_ += blobs[at].length;
    if (!is_left_out)
      wanted.push_back(all[at]);
  }
  return ok();
}

// Blobs that lie one after the other in a pack are read at once.
Result<> RestoreRun::fetch(std::span<Wanted> wanted, Hand& hand) {
  base::resize_unset(hand.plain, wanted.back().at + wanted.back().place.blob.plain_bytes());
  std::vector<Wanted*> by_place;
  for (Wanted& each : wanted)
    by_place.push_back(&each);
  std::ranges::stable_sort(by_place, {}, [](const Wanted* each) {
    return std::pair{each->place.pack, each->place.blob.offset};
  });
  const auto end_of = [](const Wanted& each) {
    return each.place.blob.offset + std::uint64_t{each.place.blob.length};
  };
  for (std::size_t first = 0; first < by_place.size();) {
    std::size_t end = first + 1;
    while (end < by_place.size() && by_place[end]->place.pack == by_place[first]->place.pack &&
           by_place[end]->place.blob.offset == end_of(*by_place[end - 1]) &&
           end_of(*by_place[end]) - by_place[first]->place.blob.offset <= pack_bytes_max)
      ++end;
    TRY_CONTEXT(load(std::span{by_place}.subspan(first, end - first), hand),
                "'" + by_place[first]->file->path + "'");
    first = end;
  }
  std::vector<format::Sha256> hashes(wanted.size());
  std::vector<format::Hashing> streams;
  for (std::size_t at = 0; at < wanted.size(); ++at)
    streams.push_back({&hashes[at], std::string_view{hand.plain}.substr(
                                        wanted[at].at, wanted[at].place.blob.plain_bytes())});
  format::update(streams);
  for (std::size_t at = 0; at < wanted.size(); ++at)
    if (hashes[at].finish() != wanted[at].place.blob.id)
      return BlobReader::is_another(wanted[at].place).context("'" + wanted[at].file->path + "'");
  return put_all(wanted, hand);
}

// Blobs that lie one after the other.
Result<> RestoreRun::load(std::span<Wanted*> run, Hand& hand) {
  const backend::FileName pack{backend::FileKind::pack, run.front()->place.pack};
  const std::uint64_t begin = run.front()->place.blob.offset;
  const std::uint64_t bytes = run.back()->place.blob.offset + run.back()->place.blob.length - begin;
  auto box = repository_.backend().load(pack, begin, bytes);
  if (!box && box.error().kind == ErrorKind::not_found)
    return Error{ErrorKind::corrupt, "the pack '" + backend::text_of(pack) + "' is missing", ""};
  if (!box)
    return std::move(box).error();
  std::string_view rest = box.value();
  for (const Wanted* each : run) {
    const std::uint32_t length = each->place.blob.length;
    const std::span<char> plain{hand.plain.data() + each->at, each->place.blob.plain_bytes()};
    TRY(hand.reader.unseal(each->place, rest.substr(0, length), plain));
    rest.remove_prefix(std::min<std::size_t>(length, rest.size()));
  }
  return ok();
}

// What belongs together in a file is written at once.
Result<> RestoreRun::put_all(std::span<const Wanted> wanted, Hand& hand) {
  const auto size_of = [](const Wanted& each) { return each.place.blob.plain_bytes(); };
  for (std::size_t first = 0; first < wanted.size();) {
    std::size_t end = first + 1;
    while (end < wanted.size() && wanted[end].file == wanted[first].file &&
           wanted[end].offset == wanted[end - 1].offset + size_of(wanted[end - 1]))
      ++end;
    OpenFile& file = *wanted[first].file;
    const auto bytes = std::string_view{hand.plain}.substr(
        wanted[first].at, wanted[end - 1].at + size_of(wanted[end - 1]) - wanted[first].at);
    TRY_CONTEXT(file.old ? put_changes(file, bytes, wanted[first].offset, hand.comparer)
                         : put(file, bytes, wanted[first].offset),
                "'" + file.path + "'");
    first = end;
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
