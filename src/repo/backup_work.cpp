#include "repo/backup_run.hpp"
#include "repo/earlier_chunks.hpp"
#include "repo/format/chunker.hpp"

#include <algorithm>
#include <cstring>

namespace repo {

using base::ErrorKind;
using base::ok;
using base::Result;
using format::BlobType;
using format::chunk_bytes_max;
using format::chunk_bytes_min;
using format::Id;

namespace {

constexpr std::size_t piece_bytes = ChunkMemory::piece_bytes;
constexpr std::uint64_t shared_bytes_min = 4U << 20U; // files from here on are work for several
constexpr std::size_t pair_bytes_max = 2U << 20U;     // a larger chunk waits for no second one

// Cuts a file into chunks, each in memory of its own. Holes are not read: a chunk that is one has
// no memory.
class Cutter {
public:
  Cutter(ChunkMemory& memory, const format::Chunker& chunker)
      : pool_{memory}, chunker_{chunker}, memory_{memory.take()} {}

  void begin(world::SourceFile& file, const world::Entry& entry, const FileJob& job,
             const Index& index) {
    file_ = &file;
    cut_ = job.cut;
    earlier_.begin(file, entry.size_bytes, job.earlier, index);
    size_ = entry.size_bytes;
    has_holes_ =
        entry.allocated_bytes < entry.size_bytes && entry.size_bytes >= 2 * chunk_bytes_min;
    filled_ = seen_ = zeros_ = number_ = 0;
    position_ = data_end_ = hole_end_ = 0;
    is_at_end_ = false;
  }

  struct Piece {
    std::size_t bytes = 0;      // 0: the file is over
    std::optional<Chunk> chunk; // nothing: it is stored already, or zeros
    std::size_t number = 0;
    std::optional<Id> stored; // as it was in the parent snapshot; nothing, without a chunk: zeros
  };
  Result<Piece> next() {
    std::optional<EarlierChunks::Chunk> now; // what lies where a chunk was
    bool is_begin = true;
    for (;;) {
      if (filled_ == 0 && !is_at_end_ && TRY(is_hole())) {
        position_ += chunk_bytes_min;
        return Piece{chunk_bytes_min, {}, number_++, {}};
      }
      if (std::exchange(is_begin, false)) {
        now = TRY(earlier_.look(position_ - filled_));
        if (now && now->is_same)
          return skip(*now);
        if (now)
          use(now->bytes);
      }
      const std::size_t cut = find_cut();
      if (cut != 0) {
        Piece piece = take(cut);
        if (now && cut == now->bytes.size())
          piece.chunk->id = now->id;
        return piece;
      }
      if (is_at_end_)
        return Piece{};
      TRY(add());
    }
  }

private:
  Piece skip(const EarlierChunks::Chunk& same) {
    position_ += same.bytes.size() - filled_;
    filled_ = seen_ = zeros_ = 0;
    is_at_end_ = position_ == size_;
    return {same.bytes.size(), {}, number_++, same.id};
  }

  // They were read already, from the beginning of the chunk on.
  void use(std::string_view bytes) {
    if (memory_.size < bytes.size())
      pool_.grow(memory_, 0);
    std::memcpy(memory_.bytes.get(), bytes.data(), bytes.size());
    position_ += bytes.size() - filled_;
    filled_ = bytes.size();
    zeros_ = 0;
    is_at_end_ = position_ == size_;
  }

  // How long the chunk is, or 0 when its end is not in memory yet.
  std::size_t find_cut() {
    const std::string_view bytes{memory_.bytes.get(), filled_};
    if (cut_ == CutBy::header && filled_ != 0)
      cut_ = position_ == filled_ && is_sqlite(bytes) ? CutBy::size : CutBy::content;
    if (cut_ != CutBy::size)
      return chunker_.find_cut(bytes, seen_, is_at_end_);
    return filled_ >= fixed_blob_bytes || is_at_end_ ? std::min(filled_, fixed_blob_bytes) : 0;
  }

  // What is read already behind the chunk goes into other memory.
  Piece take(std::size_t cut) {
    auto rest = pool_.take();
    const std::size_t left = filled_ - cut;
    if (left > rest.size)
      pool_.grow(rest, 0);
    if (zeros_ >= left && left != 0) { // of a hole: it need not be in memory
      position_ -= left;
      filled_ = zeros_ = 0;
      is_at_end_ = false;
    } else {
      std::memcpy(rest.bytes.get(), memory_.bytes.get() + cut, left);
      filled_ = left;
    }
    seen_ = 0;
    std::swap(rest, memory_);
    const std::size_t number = number_++;
    return {cut, Chunk{number, std::move(rest), cut}, number, {}};
  }

  // A whole chunk from here on is a hole. The chunker cuts zeros at its smallest size: the
  // fingerprint of nothing is zero.
  Result<bool> is_hole() {
    if (has_holes_ && position_ >= data_end_)
      TRY(look_ahead());
    return hole_end_ >= position_ + chunk_bytes_min;
  }

  Result<> look_ahead() {
    if (position_ < hole_end_)
      return ok();
    const auto [begin, end] = TRY(file_->next_data(position_));
    hole_end_ = begin == end ? std::max(size_, position_) : begin;
    data_end_ = begin == end ? hole_end_ : end;
    if (begin == end)
      has_holes_ = position_ < hole_end_; // at the end: read once more, to see it
    return ok();
  }

  Result<> add() {
    if (has_holes_ && position_ >= data_end_)
      TRY(look_ahead());
    if (memory_.size - filled_ < piece_bytes)
      pool_.grow(memory_, filled_);
    std::uint64_t wanted = std::min(piece_bytes, memory_.size - filled_);
    if (position_ < hole_end_) {
      wanted = std::min(wanted, hole_end_ - position_);
      std::memset(memory_.bytes.get() + filled_, 0, wanted);
      filled_ += wanted;
      zeros_ += wanted;
      position_ += wanted;
      return ok();
    }
    if (has_holes_ && data_end_ > position_)
      wanted = std::min(wanted, data_end_ - position_);
    // No further than where it ended when it was opened: when it has grown since, it is read again.
    if (position_ < size_)
      wanted = std::min(wanted, size_ - position_);
    const std::size_t got = TRY(file_->read({memory_.bytes.get() + filled_, wanted}, position_));
    filled_ += got;
    position_ += got;
    is_at_end_ = got < wanted || position_ == size_;
    if (got != 0)
      zeros_ = 0;
    return ok();
  }

  ChunkMemory& pool_;
  const format::Chunker& chunker_;
  ChunkMemory::Piece memory_;
  EarlierChunks earlier_;
  world::SourceFile* file_ = nullptr;
  CutBy cut_ = CutBy::content;
  std::uint64_t size_ = 0; // as the system said it at the beginning
  bool has_holes_ = false;
  bool is_at_end_ = false;
  std::size_t number_ = 0;     // of the next chunk
  std::size_t filled_ = 0;     // so much is in memory, from the beginning of the next chunk on
  std::size_t seen_ = 0;       // of it, by the chunker
  std::size_t zeros_ = 0;      // so many of it, at its end, are of a hole
  std::uint64_t position_ = 0; // in the file, of the end of what is in memory
  std::uint64_t hole_end_ = 0;
  std::uint64_t data_end_ = 0;
};

class Worker {
public:
  Worker(BackupRun& run, BlobSaver& saver)
      : run_{run}, saver_{saver}, chunker_{run.repository.config().chunker}, cutter_{run.memory,
                                                                                     chunker_} {}

  Result<> run() {
    while (auto job = run_.jobs.pop()) {
      if (job->chunks)
        store(*job->chunks);
      for (FileJob& file : job->files)
        if (!run_.is_over())
          TRY(read(file));
    }
    return ok();
  }

private:
  // The pack under way goes on being hashed beside the chunks.
  void store(ChunkJob& job) {
    std::array<format::Sha256, 2> hashes;
    std::array<format::Hashing, 3> streams{saver_.hashing()};
    std::size_t unnamed = 0;
    for (std::size_t at = 0; at < job.count; ++at)
      if (!job.chunks[at].id)
        streams[++unnamed] = {&hashes[at], job.chunks[at].bytes()};
    format::update(std::span{streams}.first(unnamed + 1));
    saver_.flush_if_full(); // false, here and below: it is all over, which the queue tells as well
    for (std::size_t at = 0; at < job.count; ++at) {
      Chunk& chunk = job.chunks[at];
      const Id id = chunk.id ? *chunk.id : hashes[at].finish();
      if (run_.repository.index().claim(id, BlobType::data))
        saver_.save(id, chunk.bytes());
      put(*job.reading, chunk.number, id);
      run_.memory.put(chunk.take_memory());
      chunk_done(job.reading);
    }
  }

  static void put(Reading& reading, std::size_t number, const Id& id) {
    const std::scoped_lock guard{reading.mutex};
    if (reading.content.size() <= number)
      reading.content.resize(number + 1);
    reading.content[number] = id;
  }

  void chunk_done(const std::shared_ptr<Reading>& reading) {
    if (--reading->pending != 0)
      return;
    if (reading->dir) { // nothing: it was read in vain
      reading->dir->nodes[reading->place]->content = std::move(reading->content);
      run_.done_in(reading->dir);
    }
  }

  Result<> read(FileJob& job) {
    world::Folder& folder = job.folder ? *job.folder : *job.dir->folder;
    auto file = folder.open_file(job.entry.name);
    if (!file &&
        (file.error().kind == ErrorKind::not_found || file.error().kind == ErrorKind::conflict)) {
      job.dir->nodes[job.place].reset(); // it went since it was listed
      run_.done_in(job.dir);
      return ok();
    }
    if (!file)
      return std::move(file).error();
    for (bool is_again = false;; is_again = true) {
      world::Entry before = TRY(file.value()->now());
      before.name = job.entry.name;
      before.attributes = job.entry.attributes;
      const auto reading = std::make_shared<Reading>();
      const std::uint64_t size = TRY(read_chunks(*file.value(), before, job, reading));
      const world::Entry after = TRY(file.value()->now());
      const bool is_torn =
          after.size_bytes != size || after.mtime != before.mtime || after.ctime != before.ctime;
      if (is_torn && !is_again)
        continue;
      if (is_torn)
        run_.note_torn(job.dir->path + "/" + job.entry.name);
      before.size_bytes = size; // what the blobs hold, whatever the system says
      job.dir->nodes[job.place] =
          node_of(before, run_.repository.ports().machine, run_.options.has_atime);
      ++run_.files_done;
      reading->dir = job.dir;
      reading->place = job.place;
      chunk_done(reading);
      return ok();
    }
  }

  // Returns how many bytes there were.
  Result<std::uint64_t> read_chunks(world::SourceFile& file, const world::Entry& entry,
                                    const FileJob& how, const std::shared_ptr<Reading>& reading) {
    const bool is_shared = entry.size_bytes >= shared_bytes_min;
    cutter_.begin(file, entry, how, run_.repository.index());
    std::uint64_t size = 0;
    ChunkJob waiting{reading, {}, 0};
    while (!run_.is_over()) {
      Cutter::Piece piece = TRY(cutter_.next());
      if (piece.chunk)
        waiting.chunks[waiting.count++] = *std::move(piece.chunk);
      else if (piece.bytes != 0)
        put(*reading, piece.number, piece.stored ? *piece.stored : id_of_zeros());
      const bool is_enough = waiting.count == 2 || piece.bytes == 0 || piece.bytes > pair_bytes_max;
      if (is_enough && waiting.count != 0)
        hand_on(std::exchange(waiting, ChunkJob{reading, {}, 0}), is_shared);
      if (piece.bytes == 0)
        break;
      size += piece.bytes;
      run_.bytes_done += piece.bytes;
    }
    return size;
  }

  void hand_on(ChunkJob chunks, bool is_shared) {
    chunks.reading->pending += chunks.count;
    Job job{{}, std::move(chunks)};
    if (!is_shared || !run_.jobs.try_push_first(job))
      store(*job.chunks);
  }

  // Stored when they are seen for the first time.
  const Id& id_of_zeros() {
    if (!zeros_) {
      const std::string zeros(chunk_bytes_min, '\0');
      zeros_ = format::id_of(zeros);
      if (run_.repository.index().claim(*zeros_, BlobType::data))
        saver_.save(*zeros_, zeros);
    }
    return *zeros_;
  }

  BackupRun& run_;
  BlobSaver& saver_;
  format::Chunker chunker_;
  Cutter cutter_;
  std::optional<Id> zeros_;
};

} // namespace

ChunkMemory::Piece ChunkMemory::take_from(std::vector<Piece>& spare) {
  const std::scoped_lock guard{mutex_};
  if (spare.empty())
    return {};
  Piece memory = std::move(spare.back());
  spare.pop_back();
  return memory;
}

ChunkMemory::Piece ChunkMemory::take() {
  Piece memory = take_from(spare_);
  if (memory.size == 0)
    memory = {std::unique_ptr<char[]>{new char[small_bytes]}, small_bytes};
  return memory;
}

void ChunkMemory::grow(Piece& memory, std::size_t filled) {
  if (memory.size == bytes_max)
    return;
  Piece larger = take_from(spare_large_);
  if (larger.size == 0)
    larger = {std::unique_ptr<char[]>{new char[bytes_max]}, bytes_max};
  std::memcpy(larger.bytes.get(), memory.bytes.get(), filled);
  std::swap(memory, larger);
  put(std::move(larger));
}

void ChunkMemory::put(Piece memory) {
  const std::scoped_lock guard{mutex_};
  const bool is_large = memory.size == bytes_max;
  auto& spare = is_large ? spare_large_ : spare_;
  if (memory.size != 0 && spare.size() < (is_large ? spare_large_max : spare_max))
    spare.push_back(std::move(memory));
}

Result<> work(BackupRun& run, BlobSaver& saver) {
  return Worker{run, saver}.run();
}

} // namespace repo
