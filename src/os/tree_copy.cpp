#include "os/tree_copy.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"
#include "os/fd.hpp"

#include <algorithm>
#include <cerrno>

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr std::size_t buffer_bytes = 1U << 20U;

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

TreeEntry entry_of(const struct stat& info) {
  TreeEntry entry;
  entry.mode = info.st_mode;
  entry.user = info.st_uid;
  entry.group = info.st_gid;
  entry.size = static_cast<std::uint64_t>(info.st_size);
  entry.mtime_ns = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec;
  entry.ctime_ns = info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec;
  entry.device = info.st_dev;
  entry.inode = info.st_ino;
  entry.links = info.st_nlink;
  entry.allocated_bytes = static_cast<std::uint64_t>(info.st_blocks) * 512;
  return entry;
}

Result<TreeEntry> look(const Fd& file, const std::string& path) {
  struct stat info {};
  if (::fstat(file.get(), &info) != 0)
    return error_of(errno, "look at", path);
  return entry_of(info);
}

Result<> write_at(const Fd& file, std::string_view bytes, off_t at, const std::string& path) {
  while (!bytes.empty()) {
    const auto written = ::pwrite(file.get(), bytes.data(), bytes.size(), at);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return error_of(errno, "write", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    at += written;
  }
  return ok();
}

// One buffer for each thread, for as long as the thread lives.
std::string& buffer() {
  thread_local std::string bytes(buffer_bytes, '\0');
  return bytes;
}

class Content {
public:
  Content(const Fd& from, std::string from_path, const Fd* to, std::string to_path)
      : from_{from}, from_path_{std::move(from_path)}, to_{to}, to_path_{std::move(to_path)} {}

  // Digest all `size` bytes; write the ranges that hold data when there is somewhere to write to.
  Result<std::string> run(std::uint64_t size, bool is_sparse) {
    const auto end = static_cast<off_t>(size);
    off_t at = 0;
    while (at < end) {
      off_t data = at;
      off_t hole = end;
      if (is_sparse) {
        data = ::lseek(from_.get(), at, SEEK_DATA);
        if (data < 0) // no data any more
          data = end;
        hole = data < end ? ::lseek(from_.get(), data, SEEK_HOLE) : end;
        if (hole < 0 || hole > end)
          hole = end;
      }
      add_zeros(static_cast<std::uint64_t>(std::min(data, end) - at));
      TRY(take(std::min(data, end), hole));
      at = hole;
    }
    return digest_.hex();
  }

private:
  void add_zeros(std::uint64_t count) {
    if (count == 0)
      return;
    const std::string zeros(static_cast<std::size_t>(std::min<std::uint64_t>(count, 65536)), '\0');
    for (; count > 0; count -= std::min<std::uint64_t>(count, zeros.size()))
      digest_.update(std::string_view{zeros}.substr(
          0, static_cast<std::size_t>(std::min<std::uint64_t>(count, zeros.size()))));
  }

  Result<> take(off_t at, off_t end) {
    std::string& bytes = buffer();
    while (at < end) {
      const auto wanted =
          static_cast<std::size_t>(std::min<off_t>(end - at, static_cast<off_t>(bytes.size())));
      const auto got = ::pread(from_.get(), bytes.data(), wanted, at);
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return error_of(errno, "read", from_path_);
      if (got == 0)
        return ok(); // it became shorter: the caller sees that it is torn
      const std::string_view part{bytes.data(), static_cast<std::size_t>(got)};
      digest_.update(part);
      if (to_ != nullptr)
        TRY(write_at(*to_, part, at, to_path_));
      at += got;
    }
    return ok();
  }

  const Fd& from_;
  std::string from_path_;
  const Fd* to_;
  std::string to_path_;
  base::Sha256 digest_;
};

bool has_holes(const TreeEntry& entry) {
  return entry.allocated_bytes < entry.size;
}

} // namespace

Result<CopiedFile> copy_file_content(const std::string& from, const std::string& to) {
  const Fd source = TRY(open_file(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  CopiedFile copied;
  copied.source = TRY(look(source, from));
  if (!copied.source.is_file())
    return Error{ErrorKind::conflict, "'" + from + "' is no longer a file", ""};
  if (::unlink(to.c_str()) != 0 && errno != ENOENT)
    return error_of(errno, "remove", to);
  Fd target = TRY(open_file(to, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW));
  copied.was_reflinked = ::ioctl(target.get(), FICLONE, source.get()) == 0;
  const bool is_sparse = has_holes(copied.source);
  if (copied.was_reflinked) {
    copied.sha256 = TRY(Content(target, to, nullptr, "").run(copied.source.size, is_sparse));
  } else {
    copied.sha256 = TRY(Content(source, from, &target, to).run(copied.source.size, is_sparse));
    if (::ftruncate(target.get(), static_cast<off_t>(copied.source.size)) != 0)
      return error_of(errno, "set the size of", to);
  }
  const TreeEntry after = TRY(look(source, from));
  copied.is_torn = after.size != copied.source.size || after.mtime_ns != copied.source.mtime_ns ||
                   after.ctime_ns != copied.source.ctime_ns;
  TRY(target.close(to));
  TRY(copy_metadata(copied.source, from, to));
  return copied;
}

Result<> copy_special(const TreeEntry& entry, const std::string& to) {
  if (::unlink(to.c_str()) != 0 && errno != ENOENT)
    return error_of(errno, "remove", to);
  if (entry.is_link()) {
    if (::symlink(entry.target.c_str(), to.c_str()) != 0)
      return error_of(errno, "make the link", to);
    return ok();
  }
  if (::mknod(to.c_str(), entry.mode, entry.special) != 0)
    return error_of(errno, "make", to);
  return ok();
}

Result<> copy_metadata(const TreeEntry& entry, const std::string& from, const std::string& to) {
  struct stat now {};
  if (::lstat(to.c_str(), &now) != 0)
    return error_of(errno, "look at", to);
  const bool is_others = now.st_uid != entry.user || now.st_gid != entry.group;
  // Owner, then mode (chown clears the set-id bits), then attributes (an ACL changes the mode of
  // the group), then times.
  if (is_others && ::lchown(to.c_str(), entry.user, entry.group) != 0)
    return error_of(errno, "set the owner of", to);
  if (!entry.is_link() && ::chmod(to.c_str(), entry.mode & 07777U) != 0)
    return error_of(errno, "set the mode of", to);
  TRY(copy_attributes(from, to));
  const timespec times[2] = {{0, UTIME_OMIT}, time_of(entry.mtime_ns)};
  if (::utimensat(AT_FDCWD, to.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
    return error_of(errno, "set the times of", to);
  return ok();
}

Result<std::string> sha256_of_file(const std::string& path) {
  const Fd file = TRY(open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  const TreeEntry entry = TRY(look(file, path));
  if (!entry.is_file())
    return Error{ErrorKind::invalid_input, "'" + path + "' is not a plain file", ""};
  return Content(file, path, nullptr, "").run(entry.size, has_holes(entry));
}

namespace {

Result<> remove_in(const Fd& folder, const std::string& path) {
  const int copy = ::openat(folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* stream = copy < 0 ? nullptr : ::fdopendir(copy);
  if (stream == nullptr)
    return error_of(errno, "list", path);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream))
    if (std::string_view name = entry->d_name; name != "." && name != "..")
      names.emplace_back(name);
  ::closedir(stream);
  for (const std::string& name : names) {
    if (::unlinkat(folder.get(), name.c_str(), 0) == 0 || errno == ENOENT)
      continue;
    if (errno != EISDIR && errno != EPERM)
      return error_of(errno, "remove", path + "/" + name);
    const Fd below{
        ::openat(folder.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!below)
      return error_of(errno, "open", path + "/" + name);
    TRY(remove_in(below, path + "/" + name));
    if (::unlinkat(folder.get(), name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
      return error_of(errno, "remove", path + "/" + name);
  }
  return ok();
}

} // namespace

Result<> remove_all(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR)
      return ok();
    return error_of(errno, "look at", path);
  }
  if (!S_ISDIR(info.st_mode)) {
    if (::unlink(path.c_str()) != 0)
      return error_of(errno, "remove", path);
    return ok();
  }
  const Fd folder = TRY(open_file(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  TRY(remove_in(folder, path));
  if (::rmdir(path.c_str()) != 0 && errno != ENOENT)
    return error_of(errno, "remove", path);
  return ok();
}

} // namespace os
