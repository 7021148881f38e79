#include "base/bytes.hpp"
#include "repo/format/chunker.hpp"
#include "repo/restore_run.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace repo {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using format::BlobType;
using format::Id;

namespace {

// Of one pack at once, unless one blob is larger. What is freed of 4 MiB goes back to the system,
// and comes back at the price of a page fault for every 4 KiB.
constexpr std::uint64_t pack_bytes_max = 3U << 20U;
constexpr std::uint64_t fetch_bytes_max = 8U << 20U; // plain; of one file, or of several small ones
constexpr std::size_t write_bytes_max = 4U << 20U;   // of one file at once
constexpr std::size_t zero_run_bytes = 64U << 10U;
constexpr std::size_t page_bytes = base::PageMemory::page_bytes;
// Two changed runs that are so near to each other are written as one.
constexpr std::size_t gap_bytes = 4 * page_bytes;

bool is_zero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

} // namespace

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
  for (; !blobs.empty(); blobs = blobs.subspan(std::min(together_max, blobs.size()))) {
    const auto some = blobs.first(std::min(together_max, blobs.size()));
    std::size_t size = 0;
    for (const Blob& blob : some)
      size += blob.length;
    base::resize_unset(buffer_, size);
    TRY(compare(old, some, buffer_));
  }
  return ok();
}

Result<> Comparer::compare(world::SourceFile& old, std::span<Blob> blobs, std::span<char> bytes) {
  std::array<format::Sha256, together_max> hashes;
  std::array<format::Hashing, together_max> streams;
  std::array<Blob*, together_max> hashed{};
  std::size_t count = 0;
  for (Blob& blob : blobs) {
    const std::span<char> own = bytes.first(blob.length);
    bytes = bytes.subspan(blob.length);
    const bool is_all_hole = TRY(is_hole(old, blob));
    if (is_all_hole && blob.is_same)
      continue;
    const std::size_t got = is_all_hole ? 0 : TRY(old.read(own, blob.offset));
    std::ranges::fill(own.subspan(got), '\0');
    bytes_ += got;
    if (is_all_hole)
      continue;
    streams[count] = {&hashes[count], {own.data(), own.size()}};
    hashed[count++] = &blob;
  }
  format::update(std::span{streams}.first(count));
  for (std::size_t at = 0; at < count; ++at)
    hashed[at]->is_same = hashes[at].finish() == hashed[at]->id;
  return ok();
}

Result<> RestoreRun::work() {
  Hand hand{BlobReader{repository_}, Comparer{compared_}, {}, 0, {}, {}};
  while (const auto parts = parts_.pop()) {
    TRY(write(*parts, hand));
    for (const Part& part : *parts)
      TRY_CONTEXT(done_with(*part.file), "'" + part.file->path + "'");
  }
  return ok();
}

Result<> RestoreRun::write(const Parts& parts, Hand& hand) {
  for (const Part& part : parts)
    TRY(want(part, hand));
  return fetch(hand);
}

Result<> RestoreRun::want(const Part& part, Hand& hand) {
  OpenFile& file = *part.file;
  std::vector<Comparer::Blob> blobs;
  for (std::size_t at = part.begin; at < part.end; ++at) {
    const Id& id = file.node.content[at];
    const auto place = *repository_.index().find(id, BlobType::data);
    const auto length = static_cast<std::uint32_t>(place.blob.plain_bytes());
    blobs.push_back({file.offsets[at], length, id, false});
  }
  for (std::size_t first = 0; first < blobs.size() && !is_over_;) {
    std::size_t end = first + 1;
    for (std::size_t bytes = blobs[first].length; end < blobs.size(); ++end) {
      bytes += blobs[end].length;
      if (end - first == Comparer::together_max || bytes > fetch_bytes_max)
        break;
    }
    TRY(want_some(file, std::span{blobs}.subspan(first, end - first), hand));
    first = end;
  }
  return ok();
}

// Those that the file has not yet; what it has in their place is read once, and kept until they
// are there.
Result<> RestoreRun::want_some(OpenFile& file, std::span<Comparer::Blob> blobs, Hand& hand) {
  std::size_t bytes = 0;
  for (const Comparer::Blob& blob : blobs)
    bytes += blob.length;
  if (hand.bytes + bytes > fetch_bytes_max)
    TRY(fetch(hand));
  // As far from a page in memory as in the file: then nothing is copied to be written.
  hand.bytes += (blobs.front().offset - hand.bytes) % page_bytes;
  if (file.old) {
    base::resize_unset(hand.old, std::max(hand.old.size(), hand.bytes + bytes));
    const std::span<char> there = std::span{hand.old}.subspan(hand.bytes, bytes);
    TRY_CONTEXT(hand.comparer.compare(*file.old, blobs, there), "'" + file.path + "'");
  }
  for (std::size_t at = hand.bytes; const Comparer::Blob& blob : blobs) {
    const std::size_t from = std::exchange(at, at + blob.length);
    if (blob.is_same)
      continue;
    file.is_changed = true;
    // Long runs of zeros are cut into blobs of the smallest size; what a new file lacks is zeros.
    const bool is_left_out = !file.old && options_.has_holes &&
                             blob.length == format::chunk_bytes_min && hand.comparer.is_zeros(blob);
    if (is_dry_run() || is_left_out) {
      bytes_ += blob.length;
      continue;
    }
    if (file.old && from != hand.bytes) // the one before was the same
      std::memmove(hand.old.data() + hand.bytes, hand.old.data() + from, blob.length);
    hand.wanted.push_back(
        {&file, blob.offset, *repository_.index().find(blob.id, BlobType::data), hand.bytes});
    hand.bytes += blob.length;
  }
  return ok();
}

// What is wanted, all of it. Blobs that lie one after the other in a pack are read at once.
Result<> RestoreRun::fetch(Hand& hand) {
  if (is_over_ || hand.wanted.empty())
    return ok();
  hand.plain.resize(hand.bytes);
  std::vector<Wanted*> by_place;
  for (Wanted& each : hand.wanted)
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
  TRY(verify(hand));
  TRY(put_all(hand));
  hand.wanted.clear();
  hand.bytes = 0;
  return ok();
}

Result<> RestoreRun::verify(Hand& hand) {
  std::vector<format::Sha256> hashes(hand.wanted.size());
  std::vector<format::Hashing> streams;
  for (std::size_t at = 0; at < hand.wanted.size(); ++at) {
    const Wanted& each = hand.wanted[at];
    streams.push_back({&hashes[at], hand.bytes_of(each.at, each.place.blob.plain_bytes())});
  }
  format::update(streams);
  for (std::size_t at = 0; at < hand.wanted.size(); ++at) {
    const Wanted& each = hand.wanted[at];
    if (hashes[at].finish() != each.place.blob.id)
      return BlobReader::is_another(each.place).context("'" + each.file->path + "'");
  }
  return ok();
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
    const std::span<char> plain = hand.plain.part(each->at, each->place.blob.plain_bytes());
    TRY(hand.reader.unseal(each->place, rest.substr(0, length), plain));
    rest.remove_prefix(std::min<std::size_t>(length, rest.size()));
  }
  return ok();
}

// What belongs together in a file is written at once.
Result<> RestoreRun::put_all(Hand& hand) {
  const std::vector<Wanted>& wanted = hand.wanted;
  const auto size_of = [](const Wanted& each) { return each.place.blob.plain_bytes(); };
  for (std::size_t first = 0; first < wanted.size();) {
    std::size_t end = first + 1;
    while (end < wanted.size() && wanted[end].file == wanted[first].file &&
           wanted[end].offset == wanted[end - 1].offset + size_of(wanted[end - 1]) &&
           wanted[end].at == wanted[end - 1].at + size_of(wanted[end - 1]))
      ++end;
    OpenFile& file = *wanted[first].file;
    const std::size_t at = wanted[first].at;
    const std::size_t size = wanted[end - 1].at + size_of(wanted[end - 1]) - at;
    const std::string_view bytes = hand.bytes_of(at, size);
    TRY_CONTEXT(file.old ? put_changes(file, bytes, std::string_view{hand.old}.substr(at, size),
                                       wanted[first].offset)
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
Result<> RestoreRun::put_changes(OpenFile& file, std::string_view bytes, std::string_view old,
                                 std::uint64_t offset) {
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
