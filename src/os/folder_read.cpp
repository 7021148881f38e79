#include "os/folder_read.hpp"

#include <atomic>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

namespace os {

using base::Result;
using world::Entry;
using world::EntryType;

namespace {

constexpr std::size_t bulk_bytes_min = 256U << 10U;
constexpr int dont_cache = 0x80; // RWF_DONTCACHE

EntryType type_of(std::uint32_t mode) {
  switch (mode & S_IFMT) {
  case S_IFDIR: return EntryType::folder;
  case S_IFLNK: return EntryType::link;
  case S_IFBLK: return EntryType::block_device;
  case S_IFCHR: return EntryType::char_device;
  case S_IFIFO: return EntryType::fifo;
  case S_IFSOCK: return EntryType::socket;
  default: return EntryType::file;
  }
}

world::Moment moment_of(const struct statx_timestamp& time) {
  return {time.tv_sec, time.tv_nsec};
}

Entry entry_in(const struct statx& info) {
  Entry entry;
  entry.type = type_of(info.stx_mode);
  entry.mode = info.stx_mode & 07777U;
  entry.user = info.stx_uid;
  entry.group = info.stx_gid;
  entry.size_bytes = entry.type == EntryType::file ? info.stx_size : 0;
  entry.allocated_bytes = info.stx_blocks * 512;
  entry.device = ::makedev(info.stx_dev_major, info.stx_dev_minor);
  entry.inode = info.stx_ino;
  entry.links = info.stx_nlink;
  if (entry.type == EntryType::block_device || entry.type == EntryType::char_device)
    entry.special = ::makedev(info.stx_rdev_major, info.stx_rdev_minor);
  entry.mtime = moment_of(info.stx_mtime);
  entry.atime = moment_of(info.stx_atime);
  entry.ctime = moment_of(info.stx_ctime);
  return entry;
}

class SourceFile final : public world::SourceFile {
public:
  SourceFile(Fd file, std::string whole) : file_{std::move(file)}, whole_{std::move(whole)} {}
  Result<std::size_t> read(std::span<char> to, std::uint64_t offset) override {
    return read_at(file_, to, offset, whole_);
  }
  Result<std::pair<std::uint64_t, std::uint64_t>> next_data(std::uint64_t offset) override {
    return next_data_of(file_, offset, whole_);
  }
  Result<Entry> now() override { return look_at_name(file_.get(), "", whole_); }

private:
  Fd file_;
  std::string whole_;
};

} // namespace

Result<Entry> look_at_name(int folder, const std::string& name, const std::string& whole) {
  struct statx info {};
  const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (name.empty() ? AT_EMPTY_PATH : 0);
  if (::statx(folder, name.c_str(), flags, STATX_BASIC_STATS, &info) != 0)
    return error_of(errno, "look at", whole);
  return entry_in(info);
}

int open_quietly(int folder, const std::string& name, int flags) {
  flags |= O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const int number = ::openat(folder, name.c_str(), flags | O_NOATIME);
  return number < 0 && errno == EPERM ? ::openat(folder, name.c_str(), flags) : number;
}

namespace {

// Large pieces do not stay in the kernel's memory, where other people's pages would go for them;
// what was there already stays.
ssize_t read_some(int file, std::span<char> to, std::uint64_t offset) {
  static std::atomic<bool> is_known = true; // since Linux 6.14
  if (to.size() >= bulk_bytes_min && is_known) {
    const iovec piece{to.data(), to.size()};
    const auto count = ::preadv2(file, &piece, 1, static_cast<off_t>(offset), dont_cache);
    if (count >= 0 || (errno != EOPNOTSUPP && errno != EINVAL))
      return count;
    is_known = false;
  }
  return ::pread(file, to.data(), to.size(), static_cast<off_t>(offset));
}

} // namespace

Result<std::size_t> read_at(const Fd& file, std::span<char> to, std::uint64_t offset,
                            const std::string& whole) {
  std::size_t got = 0;
  while (got < to.size()) {
    const auto count = read_some(file.get(), to.subspan(got), offset + got);
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

Result<std::pair<std::uint64_t, std::uint64_t>> next_data_of(const Fd& file, std::uint64_t offset,
                                                             const std::string& whole) {
  using Range = std::pair<std::uint64_t, std::uint64_t>;
  const auto data = ::lseek(file.get(), static_cast<off_t>(offset), SEEK_DATA);
  if (data < 0 && errno == ENXIO)
    return Range{};
  const auto hole = data < 0 ? data : ::lseek(file.get(), data, SEEK_HOLE);
  if (hole < 0)
    return error_of(errno, "look for holes in", whole);
  return Range{static_cast<std::uint64_t>(data), static_cast<std::uint64_t>(hole)};
}

std::unique_ptr<world::SourceFile> source_file(Fd file, std::string whole) {
  return std::make_unique<SourceFile>(std::move(file), std::move(whole));
}

} // namespace os
