#include "os/tree_copy.hpp"

#include "base/digest.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr std::size_t buffer_bytes = 512U << 10U; // stays in the cache between read and write
constexpr std::uint64_t flush_bytes = 8U << 20U;  // so much is written before the disk is told
constexpr std::size_t not_copied_max = 100;

timespec time_of(std::int64_t nanoseconds) {
  timespec time{};
  time.tv_sec = nanoseconds / 1'000'000'000;
  time.tv_nsec = nanoseconds % 1'000'000'000;
  if (time.tv_nsec < 0) { // before 1970
    time.tv_nsec += 1'000'000'000;
    time.tv_sec -= 1;
  }
  return time;
}

// One of each for each thread, for as long as the thread lives: most files are small.
struct Scratch {
  std::unique_ptr<char[]> bytes{new char[buffer_bytes]};
  std::unique_ptr<char[]> other{new char[buffer_bytes]};
  base::Sha256 digest;
};
Scratch& scratch() {
  thread_local Scratch own;
  return own;
}

Result<> write_at(const Fd& file, std::string_view bytes, off_t at, const std::string& whole) {
  while (!bytes.empty()) {
    const auto written = ::pwrite(file.get(), bytes.data(), bytes.size(), at);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return error_of(errno, "write", whole);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    at += written;
  }
  return ok();
}

// How many bytes came; fewer than wanted only at the end of the file.
Result<std::size_t> read_at(const Fd& file, char* to, std::size_t wanted, off_t at,
                            const std::string& whole) {
  std::size_t got = 0;
  while (got < wanted) {
    const auto count = ::pread(file.get(), to + got, wanted - got, at + static_cast<off_t>(got));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return error_of(errno, "read", whole);
    if (count == 0)
      break;
    got += static_cast<std::size_t>(count);
  }
  return got;
}

// The bytes of a file, digested and, when there is somewhere to write to, written: only the
// ranges that hold data, or only the blocks that differ from what is there.
class Content {
public:
  Content(const Fd& from, std::uint64_t size, bool has_holes, const std::string& whole)
      : from_{from}, end_{static_cast<off_t>(size)}, has_holes_{has_holes}, whole_{whole} {}
  void write_to(const Fd& to, Existing existing, CopyRun& run) {
    to_ = &to;
    existing_ = existing;
    run_ = &run;
  }

  Result<std::string> run() {
    auto taken = take_all();
    std::string sha256 = digest_.hex(); // also after a failure: the next file begins with nothing
    if (!taken)
      return std::move(taken).error();
    return sha256;
  }

private:
  Result<> take_all() {
    off_t at = 0;
    while (at < end_) {
      off_t data = at;
      off_t hole = end_;
      if (has_holes_) {
        data = ::lseek(from_.get(), at, SEEK_DATA);
        if (data < 0 || data > end_) // no data any more
          data = end_;
        hole = data < end_ ? ::lseek(from_.get(), data, SEEK_HOLE) : end_;
        if (hole < 0 || hole > end_)
          hole = end_;
      }
      add_zeros(static_cast<std::uint64_t>(data - at));
      TRY(take(data, hole));
      at = hole;
    }
    return ok();
  }

  void add_zeros(std::uint64_t count) {
    static constexpr std::array<char, 65536> zeros{};
    for (; count > 0; count -= std::min<std::uint64_t>(count, zeros.size()))
      digest_.update({zeros.data(), std::min<std::uint64_t>(count, zeros.size())});
  }

  Result<> take(off_t at, off_t end) {
    char* const bytes = scratch().bytes.get();
    while (at < end) {
      const auto wanted =
          static_cast<std::size_t>(std::min<off_t>(end - at, static_cast<off_t>(buffer_bytes)));
      const std::size_t got = TRY(read_at(from_, bytes, wanted, at, whole_));
      digest_.update({bytes, got});
      if (to_ != nullptr) {
        const bool is_same = TRY(is_there({bytes, got}, at));
        if (!is_same) {
          TRY(write_at(*to_, {bytes, got}, at, whole_));
          TRY(read_back({bytes, got}, at));
        }
        run_->note_done(got, is_same ? 0 : got);
      }
      at += static_cast<off_t>(got);
      flush(at);
      if (got < wanted) // it became shorter: the caller sees that it is torn
        break;
    }
    return ok();
  }

  Result<bool> is_there(std::string_view bytes, off_t at) const {
    return existing_ == Existing::update && TRY(is_equal(bytes, at));
  }

  Result<bool> is_equal(std::string_view bytes, off_t at) const {
    char* const other = scratch().other.get();
    const std::size_t got = TRY(read_at(*to_, other, bytes.size(), at, whole_));
    return got == bytes.size() && std::memcmp(other, bytes.data(), got) == 0;
  }

  // Here it costs a tenth of what opening every file once more does.
  Result<> read_back(std::string_view bytes, off_t at) const {
    if (!TRY(is_equal(bytes, at)))
      return Error{ErrorKind::failed, "'" + whole_ + "' is not what was written to it",
                   "Check the disk and its file system before you try again."};
    return ok();
  }

  // Let the disk begin: else it idles until the end, and then everybody waits for it.
  void flush(off_t at) {
    if (to_ == nullptr || at - flushed_ < static_cast<off_t>(flush_bytes))
      return;
    ::sync_file_range(to_->get(), flushed_, at - flushed_, SYNC_FILE_RANGE_WRITE);
    flushed_ = at;
  }

  const Fd& from_;
  const off_t end_;
  const bool has_holes_;
  const std::string& whole_;
  const Fd* to_ = nullptr;
  Existing existing_ = Existing::replace;
  CopyRun* run_ = nullptr;
  off_t flushed_ = 0;
  base::Sha256& digest_ = scratch().digest;
};

bool has_holes(const TreeEntry& entry) {
  return entry.allocated_bytes < entry.size;
}

Result<> unlink_name(const Spot& spot) {
  if (::unlinkat(spot.folder.get(), spot.name.c_str(), 0) != 0 && errno != ENOENT)
    return error_of(errno, "remove", spot.whole);
  return ok();
}

Result<Fd> make_file(const Spot& to) {
  constexpr int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  int number = ::openat(to.folder.get(), to.name.c_str(), flags, 0600);
  if (number < 0 && errno == EEXIST) {
    TRY(unlink_name(to));
    number = ::openat(to.folder.get(), to.name.c_str(), flags, 0600);
  }
  if (number < 0)
    return error_of(errno, "create", to.whole);
  return Fd{number};
}

// Where it cannot be had as a plain file of one name, an empty descriptor: then it is made anew.
Fd open_for_update(const Spot& to) {
  Fd file{::openat(to.folder.get(), to.name.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  if (!file)
    return file;
  const auto look = look_at(file, to.whole);
  if (!look || !look.value().is_file() || look.value().links != 1 || has_holes(look.value()))
    return Fd{};
  return file;
}

bool reflink(const Fd& from, const Fd& to, CopyRun& run) {
  if (!run.can_reflink)
    return false;
  if (::ioctl(to.get(), FICLONE, from.get()) == 0) {
    run.was_reflinked = true;
    return true;
  }
  if (errno == EOPNOTSUPP || errno == EXDEV || errno == ENOTTY || errno == ENOSYS)
    run.can_reflink = false;
  return false;
}

struct Target {
  Fd file;
  Existing existing;
};

Result<Target> open_target(const Spot& to, const TreeEntry& source, Existing existing) {
  if (existing == Existing::update && !has_holes(source))
    if (Fd file = open_for_update(to))
      return Target{std::move(file), Existing::update};
  return Target{TRY(make_file(to)), Existing::replace};
}

Result<std::string> copy_bytes(const Fd& from, const Target& to, const TreeEntry& source,
                               const std::string& whole, CopyRun& run) {
  const bool is_reflink = source.size > 0 && reflink(from, to.file, run);
  Content content{is_reflink ? to.file : from, source.size, has_holes(source), whole};
  if (is_reflink)
    run.note_done(source.size, source.size);
  else
    content.write_to(to.file, to.existing, run);
  std::string sha256 = TRY(content.run());
  if ((to.existing == Existing::update || has_holes(source)) &&
      ::ftruncate(to.file.get(), static_cast<off_t>(source.size)) != 0)
    return error_of(errno, "set the size of", whole);
  return sha256;
}

// Owner, attributes, mode, times, in this order: chown clears the set-id bits and capabilities, an
// ACL changes the mode of the group, and all of it changes no time but ctime.
Result<> put_metadata(const TreeEntry& entry, const Attributes& attributes, const Fd& to,
                      const std::string& whole, bool may_have, std::vector<std::string>& not_kept) {
  if (::fchown(to.get(), entry.user, entry.group) != 0)
    return error_of(errno, "set the owner of", whole);
  if (may_have || !attributes.empty())
    TRY(put_attributes(to, whole, attributes, not_kept));
  if (::fchmod(to.get(), entry.mode & 07777U) != 0)
    return error_of(errno, "set the mode of", whole);
  const timespec times[2] = {{0, UTIME_OMIT}, time_of(entry.mtime_ns)};
  if (::futimens(to.get(), times) != 0)
    return error_of(errno, "set the times of", whole);
  return ok();
}

std::string digest_of_kept(Attributes attributes, const std::vector<std::string>& not_kept) {
  for (const std::string& name : not_kept)
    attributes.erase(name);
  return digest_of(attributes);
}

} // namespace

void CopyRun::note_done(std::uint64_t bytes, std::uint64_t written) {
  written_ += written;
  if (!progress_)
    return;
  const std::scoped_lock guard{mutex_};
  done_ += bytes;
  if (done_ - reported_ < total_bytes_ / 100 && done_ < total_bytes_)
    return;
  reported_ = done_;
  progress_(done_);
}

void CopyRun::note_not_kept(const std::string& path, const std::vector<std::string>& names) {
  const std::scoped_lock guard{mutex_};
  for (const std::string& name : names)
    if (not_kept_.size() < not_copied_max)
      not_kept_.push_back(path + ": " + name);
}

Result<Fd> open_for_read(const Spot& spot) {
  constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  int number = ::openat(spot.folder.get(), spot.name.c_str(), flags | O_NOATIME);
  if (number < 0 && errno == EPERM)
    number = ::openat(spot.folder.get(), spot.name.c_str(), flags);
  if (number < 0 && (errno == ELOOP || errno == ENXIO))
    return Error{ErrorKind::conflict, "'" + spot.whole + "' is no longer a file", ""};
  if (number < 0)
    return error_of(errno, "open", spot.whole);
  return Fd{number};
}

Result<CopiedFile> copy_file_content(const Spot& from, const Spot& to, CopyTo how, CopyRun& run) {
  const Fd source = TRY(open_for_read(from));
  CopiedFile copied;
  copied.source = TRY(look_at(source, from.whole));
  if (!copied.source.is_file())
    return Error{ErrorKind::conflict, "'" + from.whole + "' is no longer a file", ""};
  const Attributes attributes = TRY(read_attributes(source, from.whole));
  Target target = TRY(open_target(to, copied.source, how.existing));
  copied.sha256 = TRY(copy_bytes(source, target, copied.source, to.whole, run));
  const TreeEntry after = TRY(look_at(source, from.whole));
  copied.is_torn = after.size != copied.source.size || after.mtime_ns != copied.source.mtime_ns ||
                   after.ctime_ns != copied.source.ctime_ns;
  std::vector<std::string> not_kept;
  // An updated one has what an earlier source had.
  const bool may_have = how.may_inherit || target.existing == Existing::update;
  TRY(put_metadata(copied.source, attributes, target.file, to.whole, may_have, not_kept));
  run.note_not_kept(from.whole, not_kept);
  copied.attributes = digest_of_kept(attributes, not_kept);
  copied.copy = TRY(look_at(target.file, to.whole));
  TRY(target.file.close(to.whole));
  return copied;
}

Result<std::string> copy_special(const TreeEntry& entry, const Spot& from, const Spot& to,
                                 CopyRun& run) {
  TRY(unlink_name(to));
  const char* const name = to.name.c_str();
  if (entry.is_link() && ::symlinkat(entry.target.c_str(), to.folder.get(), name) != 0)
    return error_of(errno, "make the link", to.whole);
  if (!entry.is_link() &&
      ::mknodat(to.folder.get(), name, (entry.mode & S_IFMT) | 0600U, entry.special) != 0)
    return error_of(errno, "make", to.whole);
  if (::fchownat(to.folder.get(), name, entry.user, entry.group, AT_SYMLINK_NOFOLLOW) != 0)
    return error_of(errno, "set the owner of", to.whole);
  const Attributes attributes = TRY(read_attributes(from));
  std::vector<std::string> not_kept;
  TRY(put_attributes(to, attributes, not_kept));
  run.note_not_kept(from.whole, not_kept);
  // A link has no mode of its own. What is not one was made by us, in a folder of ours.
  if (!entry.is_link() && ::fchmodat(to.folder.get(), name, entry.mode & 07777U, 0) != 0)
    return error_of(errno, "set the mode of", to.whole);
  const timespec times[2] = {{0, UTIME_OMIT}, time_of(entry.mtime_ns)};
  if (::utimensat(to.folder.get(), name, times, AT_SYMLINK_NOFOLLOW) != 0)
    return error_of(errno, "set the times of", to.whole);
  return digest_of_kept(attributes, not_kept);
}

Result<std::string> copy_folder_metadata(const TreeEntry& entry, const Fd& from, const Fd& to,
                                         const std::string& whole, CopyRun& run) {
  const Attributes attributes = TRY(read_attributes(from, whole));
  std::vector<std::string> not_kept;
  TRY(put_metadata(entry, attributes, to, whole, true, not_kept));
  run.note_not_kept(whole, not_kept);
  return digest_of_kept(attributes, not_kept);
}

Result<std::string> sha256_of(const Fd& file, const TreeEntry& look, const std::string& whole) {
  return Content{file, look.size, has_holes(look), whole}.run();
}

} // namespace os
