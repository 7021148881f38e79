#include "os/tree_walk.hpp"

#include "base/text.hpp"
#include "os/parallel.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <iterator>
#include <numeric>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

std::int64_t nanoseconds_of(std::int64_t seconds, std::uint32_t nanoseconds) {
  return seconds * 1'000'000'000 + nanoseconds;
}

TreeEntry entry_of(std::string path, const struct statx& info) {
  TreeEntry entry;
  entry.path = std::move(path);
  entry.mode = info.stx_mode;
  entry.user = info.stx_uid;
  entry.group = info.stx_gid;
  entry.size = S_ISREG(info.stx_mode) ? info.stx_size : 0;
  entry.mtime_ns = nanoseconds_of(info.stx_mtime.tv_sec, info.stx_mtime.tv_nsec);
  entry.ctime_ns = nanoseconds_of(info.stx_ctime.tv_sec, info.stx_ctime.tv_nsec);
  entry.device = ::makedev(info.stx_dev_major, info.stx_dev_minor);
  entry.inode = info.stx_ino;
  entry.links = info.stx_nlink;
  entry.special = S_ISBLK(info.stx_mode) || S_ISCHR(info.stx_mode)
                      ? ::makedev(info.stx_rdev_major, info.stx_rdev_minor)
                      : 0;
  entry.allocated_bytes = info.stx_blocks * 512;
  return entry;
}

// All folders of one depth are listed in parallel, then those below them.
class Walk {
public:
  Walk(const TreeRoot& root, const std::vector<std::string>& exclude)
      : root_{root}, exclude_{exclude} {}

  Result<std::vector<TreeEntry>> run() {
    std::vector<TreeEntry> entries{TRY(look_at(root_.fd(), root_.path()))};
    device_ = entries.front().device;
    std::vector<std::string> folders{""};
    while (!folders.empty()) {
      std::vector<std::vector<TreeEntry>> listed(folders.size());
      TRY(in_parallel(folders.size(), [&](std::size_t index) -> Result<> {
        listed[index] = TRY(list(folders[index]));
        return ok();
      }));
      folders.clear();
      for (auto& below : listed) {
        for (const TreeEntry& entry : below)
          if (entry.is_folder())
            folders.push_back(entry.path);
        entries.insert(entries.end(), std::make_move_iterator(below.begin()),
                       std::make_move_iterator(below.end()));
      }
    }
    return in_order(std::move(entries));
  }

private:
  // An entry is large: its number is sorted, then each entry moves once.
  static std::vector<TreeEntry> in_order(std::vector<TreeEntry> entries) {
    std::vector<std::size_t> order(entries.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {},
                      [&](std::size_t index) -> const std::string& { return entries[index].path; });
    std::vector<TreeEntry> sorted;
    sorted.reserve(entries.size());
    for (const std::size_t index : order)
      sorted.push_back(std::move(entries[index]));
    return sorted;
  }

  Result<std::vector<TreeEntry>> list(const std::string& path) const {
    std::vector<TreeEntry> entries;
    auto folder = root_.folder(path);
    // Gone, or swapped for something else, since it was listed: the writers still run.
    if (!folder &&
        (folder.error().kind == ErrorKind::not_found || folder.error().kind == ErrorKind::conflict))
      return entries;
    if (!folder)
      return std::move(folder).error();
    const auto names = TRY(names_in(folder.value(), root_.whole(path)));
    entries.reserve(names.size());
    for (const std::string& name : names) {
      const std::string below = path.empty() ? name : path + "/" + name;
      if (!is_excluded(below, exclude_))
        TRY(take(folder.value(), name, below, entries));
    }
    return entries;
  }

  Result<> take(const Fd& folder, const std::string& name, const std::string& path,
                std::vector<TreeEntry>& entries) const {
    struct statx info {};
    if (::statx(folder.get(), name.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
                STATX_BASIC_STATS, &info) != 0) {
      if (errno == ENOENT)
        return ok();
      return error_of(errno, "look at", root_.whole(path));
    }
    TreeEntry entry = entry_of(path, info);
    // A folder bound from the same file system has our device number: then the attribute tells. A
    // file's number may be another than its folder's (overlayfs), so there only the attribute does.
    if ((info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0 ||
        (entry.is_folder() && entry.device != device_))
      return Error{ErrorKind::invalid_input,
                   "another file system is mounted on '" + root_.whole(path) + "'",
                   "Make it a store of its own and `exclude:` it from this one."};
    if (entry.is_link()) {
      std::array<char, PATH_MAX> target{};
      const auto length = ::readlinkat(folder.get(), name.c_str(), target.data(), target.size());
      if (length < 0 && (errno == ENOENT || errno == EINVAL))
        return ok();
      if (length < 0)
        return error_of(errno, "read the link", root_.whole(path));
      entry.target.assign(target.data(), static_cast<std::size_t>(length));
    }
    entries.push_back(std::move(entry));
    return ok();
  }

  const TreeRoot& root_;
  const std::vector<std::string>& exclude_;
  std::uint64_t device_ = 0;
};

} // namespace

bool TreeEntry::is_file() const {
  return S_ISREG(mode);
}
bool TreeEntry::is_folder() const {
  return S_ISDIR(mode);
}
bool TreeEntry::is_link() const {
  return S_ISLNK(mode);
}
bool TreeEntry::is_same_kind(const TreeEntry& other) const {
  return (mode & S_IFMT) == (other.mode & S_IFMT);
}

TreeEntry entry_of(const struct stat& info) {
  TreeEntry entry;
  entry.mode = info.st_mode;
  entry.user = info.st_uid;
  entry.group = info.st_gid;
  entry.size = S_ISREG(info.st_mode) ? static_cast<std::uint64_t>(info.st_size) : 0;
  entry.mtime_ns =
      nanoseconds_of(info.st_mtim.tv_sec, static_cast<std::uint32_t>(info.st_mtim.tv_nsec));
  entry.ctime_ns =
      nanoseconds_of(info.st_ctim.tv_sec, static_cast<std::uint32_t>(info.st_ctim.tv_nsec));
  entry.device = info.st_dev;
  entry.inode = info.st_ino;
  entry.links = info.st_nlink;
  entry.special = S_ISBLK(info.st_mode) || S_ISCHR(info.st_mode) ? info.st_rdev : 0;
  entry.allocated_bytes = static_cast<std::uint64_t>(info.st_blocks) * 512;
  return entry;
}

Result<TreeEntry> look_at(const Fd& file, const std::string& whole) {
  struct stat info {};
  if (::fstat(file.get(), &info) != 0)
    return error_of(errno, "look at", whole);
  return entry_of(info);
}

Result<TreeEntry> look_at(const Spot& spot) {
  struct stat info {};
  if (::fstatat(spot.folder.get(), spot.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    return error_of(errno, "look at", spot.whole);
  return entry_of(info);
}

bool is_excluded(std::string_view path, const std::vector<std::string>& exclude) {
  return std::ranges::any_of(exclude,
                             [&](const std::string& each) { return base::is_inside(path, each); });
}

Result<std::vector<TreeEntry>> walk_tree(const TreeRoot& root,
                                         const std::vector<std::string>& exclude) {
  return Walk{root, exclude}.run();
}

Result<std::vector<TreeEntry>> walk_tree(const std::string& root,
                                         const std::vector<std::string>& exclude) {
  return walk_tree(TRY(TreeRoot::open(root)), exclude);
}

Result<std::vector<std::string>> names_in(const Fd& folder, const std::string& whole) {
  // Its own open file description, for readdir moves the position.
  const int copy = ::openat(folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* stream = copy < 0 ? nullptr : ::fdopendir(copy);
  if (stream == nullptr)
    return error_of(errno, "list", whole);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..")
      names.emplace_back(name);
    errno = 0;
  }
  const int failed = errno;
  ::closedir(stream);
  if (failed != 0)
    return error_of(failed, "list", whole);
  return names;
}

} // namespace os
