#include "os/files.hpp"

#include "base/bytes.hpp"
#include "base/text.hpp"
#include "os/bulk_write.hpp"
#include "os/fd.hpp"
#include "os/parallel.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <set>

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

// A name beside `path` that no reader takes for it. It is always the same, so that what a crash
// left behind is removed by the next try.
std::string temporary_beside(const std::string& path) {
  return base::parent_of(path) + "/.belay-tmp-" + base::name_of_path(path);
}

Error discard_after(Error error, const std::string& temporary) {
  ::unlink(temporary.c_str()); // the error that is reported is the one that matters
  return error;
}

world::EntryKind kind_of(std::uint32_t mode) {
  if (S_ISREG(mode))
    return world::EntryKind::file;
  if (S_ISDIR(mode))
    return world::EntryKind::folder;
  return S_ISLNK(mode) ? world::EntryKind::link : world::EntryKind::other;
}

class HeldLock final : public world::Lock {
public:
  explicit HeldLock(Fd file) : file_{std::move(file)} {}

private:
  Fd file_; // closing it lets the lock go; so does the end of the process
};

int rename_with(const std::string& from, const std::string& to, unsigned flags) {
  return ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags);
}

// At once: a disk takes one flush for all that wait for it.
Result<> sync_folders(const std::set<std::string>& folders) {
  const std::vector<std::string> all{folders.begin(), folders.end()};
  return in_parallel(all.size(), [&](std::size_t index) { return sync_folder(all[index]); });
}

Result<> sync_both_folders(const std::string& a, const std::string& b) {
  return sync_folders({base::parent_of(a), base::parent_of(b)});
}

// Those of `path` and of the folders above it that are not there yet, the highest first.
Result<std::vector<std::string>> missing_folders(const std::string& path) {
  std::vector<std::string> missing;
  std::string at = path;
  struct stat info {};
  while (::stat(at.c_str(), &info) != 0) {
    if (errno != ENOENT)
      return error_of(errno, "look at", at);
    missing.push_back(at);
    at = base::parent_of(at);
  }
  if (!S_ISDIR(info.st_mode))
    return Error{ErrorKind::conflict, "'" + at + "' is not a folder", ""};
  std::ranges::reverse(missing);
  return missing;
}

Result<> make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return error_of(errno, "create", path);
  return ok();
}

bool try_reflink(const std::string& folder) {
  const Fd from{::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
  const Fd to{::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
  return from && to && ::write(from.get(), "x", 1) == 1 &&
         ::ioctl(to.get(), FICLONE, from.get()) == 0;
}

Result<Fd> open_plain(const std::string& path, std::uint64_t& size) {
  // Non-blocking, so that a pipe in the place of a file cannot hang us.
  Fd file = TRY(open_file(path, O_RDONLY | O_NONBLOCK));
  struct stat info {};
  if (::fstat(file.get(), &info) != 0)
    return error_of(errno, "look at", path);
  if (!S_ISREG(info.st_mode))
    return Error{ErrorKind::invalid_input, "'" + path + "' is not a plain file", ""};
  size = static_cast<std::uint64_t>(info.st_size);
  return file;
}

// Content, owner, mode and sync of the temporary file of a replace.
Result<> fill_temporary(const std::string& temporary, const std::string& path,
                        std::string_view bytes, std::uint32_t mode) {
  Fd file = TRY(open_file(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW));
  TRY(BulkWriter{}.write(file, bytes, 0, path));
  struct stat old {};
  const bool has_old = ::lstat(path.c_str(), &old) == 0 && S_ISREG(old.st_mode);
  // Owner before mode: chown clears the set-id bits. Only root can give files away.
  const bool is_others = has_old && (old.st_uid != ::geteuid() || old.st_gid != ::getegid());
  if (is_others && ::fchown(file.get(), old.st_uid, old.st_gid) != 0 && errno != EPERM)
    return error_of(errno, "set the owner of", path);
  if (::fchmod(file.get(), mode & 07777U) != 0)
    return error_of(errno, "set the mode of", path);
  TRY(sync_file(file, path));
  return file.close(path);
}

void remove_temporaries(const std::vector<world::FileContent>& files) {
  for (const world::FileContent& file : files)
    ::unlink(temporary_beside(file.path).c_str());
}

// At once, for the same reason as above. One that fails leaves no other behind.
Result<> write_temporaries(const std::vector<world::FileContent>& files) {
  auto written = in_parallel(files.size(), [&](std::size_t index) {
    const world::FileContent& file = files[index];
    const std::string temporary = temporary_beside(file.path);
    ::unlink(temporary.c_str());
    return fill_temporary(temporary, file.path, file.bytes, file.mode);
  });
  if (!written)
    remove_temporaries(files);
  return written;
}

} // namespace

Result<std::string> Files::read(const std::string& path, std::size_t bytes_max) {
  std::uint64_t size = 0;
  const Fd file = TRY(open_plain(path, size));
  return read_all(file, bytes_max, path);
}

namespace {

// Up to `bytes` from `begin`; less where the file ends.
Result<std::string> read_from(const Fd& file, std::uint64_t begin, std::uint64_t bytes,
                              const std::string& path) {
  std::string text;
  base::resize_unset(text, bytes);
  std::size_t done = 0;
  while (done < text.size()) {
    const auto count = ::pread(file.get(), text.data() + done, text.size() - done,
                               static_cast<off_t>(begin + done));
    if (count < 0 && errno != EINTR)
      return error_of(errno, "read", path);
    if (count == 0)
      break;
    done += count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  text.resize(done);
  return text;
}

} // namespace

Result<std::string> Files::read_start(const std::string& path, std::size_t bytes_max) {
  std::uint64_t size = 0;
  const Fd file = TRY(open_plain(path, size));
  return read_from(file, 0, std::min<std::uint64_t>(size, bytes_max), path);
}

Result<std::string> Files::read_end(const std::string& path, std::size_t bytes_max) {
  std::uint64_t size = 0;
  const Fd file = TRY(open_plain(path, size));
  // As large as it was when it was opened: a log may grow while it is read.
  const auto bytes = std::min<std::uint64_t>(size, bytes_max);
  return read_from(file, size - bytes, bytes, path);
}

Result<std::string> Files::read_range(const std::string& path, std::uint64_t offset,
                                      std::size_t bytes) {
  std::uint64_t size = 0;
  const Fd file = TRY(open_plain(path, size));
  return read_from(file, offset, offset < size ? std::min<std::uint64_t>(size - offset, bytes) : 0,
                   path);
}

Result<std::optional<world::EntryInfo>> Files::info(const std::string& path) {
  struct statx found {};
  const int failed = ::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
                             STATX_BASIC_STATS, &found);
  if (failed != 0 && (errno == ENOENT || errno == ENOTDIR))
    return std::optional<world::EntryInfo>{};
  if (failed != 0)
    return error_of(errno, "look at", path);
  world::EntryInfo info;
  info.kind = kind_of(found.stx_mode);
  info.size_bytes = found.stx_size;
  info.mode = found.stx_mode & 07777U;
  info.user = found.stx_uid;
  info.group = found.stx_gid;
  info.device = (static_cast<std::uint64_t>(found.stx_dev_major) << 32U) | found.stx_dev_minor;
  info.inode = found.stx_ino;
  info.is_mount_point = (found.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  return std::optional{info};
}

Result<std::string> Files::resolve(const std::string& path) {
  char* real = ::realpath(path.c_str(), nullptr);
  if (real == nullptr)
    return error_of(errno, "find", path);
  std::string text = real;
  std::free(real);
  return text;
}

Result<std::string> Files::read_link(const std::string& path) {
  std::string target(PATH_MAX, '\0');
  const auto length = ::readlink(path.c_str(), target.data(), target.size());
  if (length < 0 && errno == EINVAL)
    return Error{ErrorKind::invalid_input, "'" + path + "' is not a link", ""};
  if (length < 0)
    return error_of(errno, "read the link", path);
  target.resize(static_cast<std::size_t>(length));
  return target;
}

Result<std::vector<std::string>> Files::list(const std::string& path) {
  DIR* folder = ::opendir(path.c_str());
  if (folder == nullptr)
    return error_of(errno, "list", path);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string name = entry->d_name;
    if (name != "." && name != ".." && !name.starts_with(".belay-tmp-"))
      names.push_back(name);
  }
  const int failed = errno;
  ::closedir(folder);
  if (failed != 0)
    return error_of(failed, "list", path);
  std::ranges::sort(names);
  return names;
}

Result<bool> Files::is_empty(const std::string& path) {
  DIR* folder = ::opendir(path.c_str());
  if (folder == nullptr)
    return error_of(errno, "list", path);
  bool is_empty = true;
  errno = 0;
  while (const dirent* entry = is_empty ? ::readdir(folder) : nullptr) {
    const std::string_view name = entry->d_name;
    is_empty = name == "." || name == "..";
  }
  const int failed = errno;
  ::closedir(folder);
  if (failed != 0)
    return error_of(failed, "list", path);
  return is_empty;
}

Result<world::SpaceInfo> Files::space(const std::string& path) {
  struct statvfs found {};
  struct statfs kind {};
  if (::statvfs(path.c_str(), &found) != 0 || ::statfs(path.c_str(), &kind) != 0)
    return error_of(errno, "look at the file system of", path);
  world::SpaceInfo info;
  info.free_bytes = static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize;
  info.total_bytes = static_cast<std::uint64_t>(found.f_blocks) * found.f_frsize;
  info.is_read_only = (found.f_flag & ST_RDONLY) != 0;
  const auto type = static_cast<unsigned long>(kind.f_type);
  const bool may_reflink = type == BTRFS_SUPER_MAGIC || type == XFS_SUPER_MAGIC;
  info.has_reflink = may_reflink && !info.is_read_only && try_reflink(path);
  return info;
}

Result<> Files::append(const std::string& path, std::string_view bytes) {
  const EffectScope scope{effects_, "files.append", path};
  const bool is_new = ::access(path.c_str(), F_OK) != 0;
  Fd file = TRY(open_file(path, O_WRONLY | O_CREAT | O_APPEND));
  TRY(write_all(file, bytes, path));
  TRY(in_parallel(is_new ? 2 : 1, [&](std::size_t index) -> Result<> {
    if (index == 1)
      return sync_folder(base::parent_of(path));
    return ::fdatasync(file.get()) == 0 ? ok() : error_of(errno, "sync", path);
  }));
  return file.close(path);
}

Result<> Files::truncate(const std::string& path, std::size_t size) {
  const EffectScope scope{effects_, "files.truncate", path};
  const Fd file = TRY(open_file(path, O_WRONLY));
  if (::ftruncate(file.get(), static_cast<off_t>(size)) != 0)
    return error_of(errno, "truncate", path);
  return sync_file(file, path);
}

Result<> Files::replace(const std::string& path, std::string_view bytes, std::uint32_t mode) {
  const EffectScope scope{effects_, "files.replace", path};
  const std::string temporary = temporary_beside(path);
  ::unlink(temporary.c_str());
  if (auto filled = fill_temporary(temporary, path, bytes, mode); !filled)
    return discard_after(std::move(filled).error(), temporary);
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return discard_after(error_of(errno, "replace", path), temporary);
  return sync_folder(base::parent_of(path));
}

Result<> Files::replace_all(const std::vector<world::FileContent>& files) {
  std::set<std::string> new_folders; // made, and not synced yet
  {
    const EffectScope scope{effects_, "files.write_all", files.empty() ? "" : files.front().path};
    for (const world::FileContent& file : files)
      for (const std::string& folder : TRY(missing_folders(base::parent_of(file.path)))) {
        TRY(make_folder(folder));
        new_folders.insert(folder);
      }
    TRY(write_temporaries(files));
  }
  for (auto at = files.begin(); at != files.end();) {
    const std::string folder = base::parent_of(at->path);
    const EffectScope scope{effects_, "files.replace", at->path};
    for (; at != files.end() && base::parent_of(at->path) == folder; ++at)
      if (::rename(temporary_beside(at->path).c_str(), at->path.c_str()) != 0) {
        Error error = error_of(errno, "replace", at->path);
        remove_temporaries(files);
        return error;
      }
    std::set<std::string> waiting{folder};
    for (std::string up = folder; new_folders.erase(up) != 0; up = base::parent_of(up))
      waiting.insert(base::parent_of(up));
    TRY(sync_folders(waiting));
  }
  return ok();
}

Result<> Files::create_folders(const std::string& path) {
  const std::vector<std::string> missing = TRY(missing_folders(path));
  if (missing.empty())
    return ok();
  const EffectScope scope{effects_, "files.create_folders", path};
  for (const std::string& folder : missing) {
    TRY(make_folder(folder));
    TRY(sync_folder(base::parent_of(folder)));
  }
  return ok();
}

Result<> Files::replace_link(const std::string& path, const std::string& target) {
  const EffectScope scope{effects_, "files.replace_link", path};
  struct stat old {};
  if (::lstat(path.c_str(), &old) == 0 && !S_ISLNK(old.st_mode))
    return Error{ErrorKind::conflict, "'" + path + "' is not a link",
                 "Move it away: belay wants to make a link of that name."};
  const std::string temporary = temporary_beside(path);
  ::unlink(temporary.c_str());
  if (::symlink(target.c_str(), temporary.c_str()) != 0)
    return error_of(errno, "make the link", path);
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return discard_after(error_of(errno, "replace the link", path), temporary);
  return sync_folder(base::parent_of(path));
}

Result<> Files::rename(const std::string& from, const std::string& to) {
  const EffectScope scope{effects_, "files.rename", from};
  int failed = rename_with(from, to, RENAME_NOREPLACE);
  if (failed != 0 && errno == EINVAL) {
    // A file system without RENAME_NOREPLACE (old NFS): looking first is the best there is.
    struct stat there {};
    if (::lstat(to.c_str(), &there) == 0)
      return error_of(EEXIST, "rename to", to);
    failed = ::rename(from.c_str(), to.c_str());
  }
  if (failed != 0 && errno == EXDEV)
    return Error{ErrorKind::invalid_input,
                 "'" + from + "' and '" + to + "' are on different file systems", ""};
  if (failed != 0) {
    const int number = errno;
    return error_of(number, "rename", number == EEXIST ? to : from);
  }
  return sync_both_folders(from, to);
}

Result<> Files::exchange(const std::string& a, const std::string& b) {
  const EffectScope scope{effects_, "files.exchange", a};
  if (rename_with(a, b, RENAME_EXCHANGE) != 0) {
    const int number = errno;
    if (number == EINVAL || number == ENOSYS || number == ENOTSUP)
      return Error{ErrorKind::unavailable, "the file system of '" + a + "' cannot exchange names",
                   ""};
    return error_of(number, "exchange", a);
  }
  return sync_both_folders(a, b);
}

Result<> Files::remove(const std::string& path) {
  const EffectScope scope{effects_, "files.remove", path};
  if (::unlink(path.c_str()) != 0) {
    if (errno == ENOENT || errno == ENOTDIR)
      return ok();
    return error_of(errno, "remove", path);
  }
  return sync_folder(base::parent_of(path));
}

Result<> Files::remove_all(const std::vector<std::string>& paths) {
  const EffectScope scope{effects_, "files.remove", paths.empty() ? "" : paths.front()};
  std::set<std::string> changed;
  for (const std::string& path : paths)
    if (::unlink(path.c_str()) == 0)
      changed.insert(base::parent_of(path));
    else if (errno != ENOENT && errno != ENOTDIR)
      return error_of(errno, "remove", path);
  return sync_folders(changed);
}

Result<> Files::set_owner_and_mode(const std::string& path, const world::EntryInfo& like) {
  const EffectScope scope{effects_, "files.set_owner_and_mode", path};
  const Fd file = TRY(open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  struct stat now {};
  if (::fstat(file.get(), &now) != 0)
    return error_of(errno, "look at", path);
  const bool is_others = now.st_uid != like.user || now.st_gid != like.group;
  if (is_others && ::fchown(file.get(), like.user, like.group) != 0)
    return error_of(errno, "set the owner of", path);
  if (::fchmod(file.get(), like.mode & 07777U) != 0)
    return error_of(errno, "set the mode of", path);
  return sync_file(file, path);
}

Result<std::unique_ptr<world::Lock>> Files::lock(const std::string& path,
                                                 const std::string& owner) {
  const EffectScope scope{effects_, "files.lock", path};
  Fd file = TRY(open_file(path, O_RDWR | O_CREAT));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return error_of(errno, "lock", path);
    auto holder = read_all(file, 4096, path);
    return Error{ErrorKind::conflict, holder ? holder.value() : "", ""};
  }
  // For people only: whether it is held is what flock says.
  if (::ftruncate(file.get(), 0) != 0)
    return error_of(errno, "write", path);
  TRY(write_all(file, owner, path));
  return std::unique_ptr<world::Lock>{std::make_unique<HeldLock>(std::move(file))};
}

} // namespace os
