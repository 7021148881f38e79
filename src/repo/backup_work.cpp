#include "repo/backup_run.hpp"
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

constexpr std::size_t buffer_bytes = 2 * chunk_bytes_max;
constexpr std::uint64_t shared_bytes_min = 4U << 20U; // files from here on are work for several

// The bytes of a file from its beginning on, as far ahead as the chunker must see. Holes are not
// read; while everything ahead is a hole it says so.
class Ahead {
public:
  explicit Ahead(char* buffer) : buffer_{buffer} {}

  void begin(world::SourceFile& file, bool has_holes) {
    file_ = &file;
    has_holes_ = has_holes;
    begin_ = end_ = zeros_ = 0;
    position_ = data_end_ = 0;
    hole_end_ = 0;
    is_at_end_ = false;
  }
  std::string_view bytes() const { return {buffer_ + begin_, end_ - begin_}; }
  void take(std::size_t count) {
    begin_ += count;
    if (zeros_ >= end_ - begin_) { // only a hole is left: it need not be in memory
      position_ -= end_ - begin_;
      end_ = begin_;
      zeros_ = 0;
    }
  }
  // Nothing is in bytes(), and a whole chunk from here on is a hole.
  bool is_in_hole() const { return begin_ == end_ && hole_end_ >= position_ + chunk_bytes_min; }
  void pass_over_chunk() { position_ += chunk_bytes_min; }

  Result<> fill(std::uint64_t file_size) {
    if (buffer_bytes - begin_ < chunk_bytes_max) {
      std::memmove(buffer_, buffer_ + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    while (end_ - begin_ < chunk_bytes_max && !is_at_end_) {
      if (has_holes_ && position_ >= data_end_)
        TRY(look_ahead(file_size));
      if (is_in_hole())
        return ok();
      TRY(add());
    }
    return ok();
  }

private:
  Result<> look_ahead(std::uint64_t file_size) {
    if (position_ < hole_end_)
      return ok();
    const auto [begin, end] = TRY(file_->next_data(position_));
    hole_end_ = begin == end ? std::max(file_size, position_) : begin;
    data_end_ = begin == end ? hole_end_ : end;
    if (begin == end)
      has_holes_ = position_ < hole_end_; // at the end: read once more, to see it
    return ok();
  }

  Result<> add() {
    const std::size_t room = buffer_bytes - end_;
    if (position_ < hole_end_) {
      const auto count = static_cast<std::size_t>(
          std::min<std::uint64_t>({room, hole_end_ - position_, chunk_bytes_max}));
      std::memset(buffer_ + end_, 0, count);
      end_ += count;
      zeros_ += count;
      position_ += count;
      return ok();
    }
    const auto wanted = has_holes_ && data_end_ > position_
                            ? std::min<std::uint64_t>(room, data_end_ - position_)
                            : room;
    const std::size_t got = TRY(file_->read({buffer_ + end_, wanted}, position_));
    is_at_end_ = got < wanted;
    end_ += got;
    position_ += got;
    if (got != 0)
      zeros_ = 0;
    return ok();
  }

  char* buffer_;
  world::SourceFile* file_ = nullptr;
  bool has_holes_ = false;
  bool is_at_end_ = false;
  std::size_t begin_ = 0; // what is in the buffer
  std::size_t end_ = 0;
  std::size_t zeros_ = 0;      // so many of it, at its end, are of a hole
  std::uint64_t position_ = 0; // in the file, of the end of the buffer
  std::uint64_t hole_end_ = 0;
  std::uint64_t data_end_ = 0;
};

class Worker {
public:
  Worker(BackupRun& run, BlobSaver& saver)
      : run_{run}, saver_{saver}, chunker_{run.repository.config().chunker},
        buffer_{new char[buffer_bytes]}, ahead_{buffer_.get()} {}

  Result<> run() {
    while (auto job = run_.jobs.pop()) {
      if (job->chunk)
        store(*job->chunk->reading, job->chunk->number, job->chunk->bytes);
      if (job->chunk)
        chunk_done(job->chunk->reading);
      if (job->file)
        TRY(read(*job->file));
    }
    return ok();
  }

private:
  void store(Reading& reading, std::size_t number, std::string_view bytes) {
    const Id id = format::id_of(bytes);
    if (run_.repository.index().claim(id, BlobType::data))
      saver_.save(id, bytes); // false: it is all over, which the queue tells as well
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
      const std::uint64_t size = TRY(read_chunks(*file.value(), before, reading));
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
                                    const std::shared_ptr<Reading>& reading) {
    const bool has_holes =
        entry.allocated_bytes < entry.size_bytes && entry.size_bytes >= 2 * chunk_bytes_min;
    const bool is_shared = entry.size_bytes >= shared_bytes_min;
    ahead_.begin(file, has_holes);
    std::uint64_t size = 0;
    for (std::size_t number = 0; !run_.is_over(); ++number) {
      TRY(ahead_.fill(entry.size_bytes));
      if (ahead_.is_in_hole()) {
        store_zeros(*reading, number);
        ahead_.pass_over_chunk();
        size += chunk_bytes_min;
        run_.bytes_done += chunk_bytes_min;
        continue;
      }
      if (ahead_.bytes().empty())
        break;
      const std::size_t count = chunker_.chunk_size(ahead_.bytes());
      hand_on(reading, number, ahead_.bytes().substr(0, count), is_shared);
      ahead_.take(count);
      size += count;
      run_.bytes_done += count;
    }
    return size;
  }

  void hand_on(const std::shared_ptr<Reading>& reading, std::size_t number, std::string_view bytes,
               bool is_shared) {
    if (is_shared) {
      Job job{std::nullopt, ChunkJob{reading, number, {}}};
      ++reading->pending;
      if (run_.jobs.has_room_first()) {
        job.chunk->bytes = bytes;
        if (run_.jobs.try_push_first(job))
          return;
      }
      --reading->pending;
    }
    store(*reading, number, bytes);
  }

  // The chunker cuts zeros at its smallest size: the fingerprint of nothing is zero.
  void store_zeros(Reading& reading, std::size_t number) {
    if (!zeros_) {
      const std::string zeros(chunk_bytes_min, '\0');
      store(reading, number, zeros);
      zeros_ = format::id_of(zeros);
      return;
    }
    const std::scoped_lock guard{reading.mutex};
    reading.content.resize(std::max(reading.content.size(), number + 1));
    reading.content[number] = *zeros_;
  }

  BackupRun& run_;
  BlobSaver& saver_;
  format::Chunker chunker_;
  std::unique_ptr<char[]> buffer_;
  Ahead ahead_;
  std::optional<Id> zeros_;
};

} // namespace

Result<> work(BackupRun& run, BlobSaver& saver) {
  return Worker{run, saver}.run();
}

} // namespace repo
