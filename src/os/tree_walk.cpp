#include "os/tree_walk.hpp"

#include "base/text.hpp"
#include "os/fd.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <mutex>
#include <optional>
#include <thread>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr int depth_max = 500; // of folders; each holds a descriptor open

TreeEntry entry_of(std::string path, const struct stat& info) {
  TreeEntry entry;
  entry.path = std::move(path);
  entry.mode = info.st_mode;
  entry.user = info.st_uid;
  entry.group = info.st_gid;
  entry.size = S_ISREG(info.st_mode) ? static_cast<std::uint64_t>(info.st_size) : 0;
  entry.mtime_ns = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec;
  entry.ctime_ns = info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec;
  entry.device = info.st_dev;
  entry.inode = info.st_ino;
  entry.links = info.st_nlink;
  entry.special = S_ISBLK(info.st_mode) || S_ISCHR(info.st_mode) ? info.st_rdev : 0;
  entry.allocated_bytes = static_cast<std::uint64_t>(info.st_blocks) * 512;
  return entry;
}

class Walk {
public:
  Walk(const std::string& root, const std::vector<std::string>& exclude)
      : root_{root}, exclude_{exclude} {}

  Result<std::vector<TreeEntry>> run() {
    Fd folder = TRY(open_file(root_, O_RDONLY | O_DIRECTORY));
    struct stat info {};
    if (::fstat(folder.get(), &info) != 0)
      return error_of(errno, "look at", root_);
    device_ = info.st_dev;
    entries_.push_back(entry_of("", info));
    TRY(descend(std::move(folder), "", 0));
    std::ranges::sort(entries_, {}, &TreeEntry::path);
    return std::move(entries_);
  }

private:
  std::string whole(const std::string& path) const { return root_ + "/" + path; }

  Result<std::vector<std::string>> names_in(const Fd& folder, const std::string& path) {
    // Its own open file description, for readdir moves the position.
    const int copy = ::openat(folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* stream = copy < 0 ? nullptr : ::fdopendir(copy);
    if (stream == nullptr)
      return error_of(errno, "list", whole(path));
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..")
        names.emplace_back(name);
    }
    const int failed = errno;
    ::closedir(stream);
    if (failed != 0)
      return error_of(failed, "list", whole(path));
    return names;
  }

  Result<> descend(Fd folder, const std::string& path, int depth) {
    if (depth > depth_max)
      return Error{ErrorKind::invalid_input, "'" + whole(path) + "' is nested too deep", ""};
    for (const std::string& name : TRY(names_in(folder, path))) {
      const std::string below = path.empty() ? name : path + "/" + name;
      if (!is_excluded(below, exclude_))
        TRY(take(folder, name, below, depth));
    }
    return ok();
  }

  Result<> take(const Fd& folder, const std::string& name, const std::string& path, int depth) {
    struct stat info {};
    if (::fstatat(folder.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT)
        return ok(); // gone since it was listed: the writers still run
      return error_of(errno, "look at", whole(path));
    }
    if (info.st_dev != device_)
      return Error{ErrorKind::invalid_input,
                   "another file system is mounted on '" + whole(path) + "'",
                   "Make it a store of its own and `exclude:` it from this one."};
    entries_.push_back(entry_of(path, info));
    if (S_ISLNK(info.st_mode))
      return read_target(folder, name, path);
    if (!S_ISDIR(info.st_mode))
      return ok();
    const int opened =
        ::openat(folder.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (opened < 0 && errno == ENOENT)
      return ok();
    if (opened < 0)
      return error_of(errno, "open", whole(path));
    return descend(Fd{opened}, path, depth + 1);
  }

  Result<> read_target(const Fd& folder, const std::string& name, const std::string& path) {
    std::string target(PATH_MAX, '\0');
    const auto length = ::readlinkat(folder.get(), name.c_str(), target.data(), target.size());
    if (length < 0)
      return error_of(errno, "read the link", whole(path));
    target.resize(static_cast<std::size_t>(length));
    entries_.back().target = std::move(target);
    return ok();
  }

  std::string root_;
  const std::vector<std::string>& exclude_;
  std::uint64_t device_ = 0;
  std::vector<TreeEntry> entries_;
};

std::vector<std::string> attribute_names(const std::string& path) {
  std::string list(64U << 10U, '\0');
  const auto size = ::llistxattr(path.c_str(), list.data(), list.size());
  std::vector<std::string> names;
  if (size > 0)
    for (std::string& name :
         base::split(std::string_view{list}.substr(0, static_cast<std::size_t>(size) - 1), '\0'))
      names.push_back(std::move(name));
  std::ranges::sort(names);
  return names;
}

std::optional<std::string> attribute(const std::string& path, const std::string& name) {
  std::string value(64U << 10U, '\0');
  const auto size = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
  if (size < 0)
    return std::nullopt;
  value.resize(static_cast<std::size_t>(size));
  return value;
}

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

bool is_excluded(std::string_view path, const std::vector<std::string>& exclude) {
  return std::ranges::any_of(exclude,
                             [&](const std::string& each) { return base::is_inside(path, each); });
}

Result<std::vector<TreeEntry>> walk_tree(const std::string& root,
                                         const std::vector<std::string>& exclude) {
  return Walk{root, exclude}.run();
}

std::string read_attributes(const std::string& path) {
  std::string all;
  for (const std::string& name : attribute_names(path))
    if (const auto value = attribute(path, name))
      all +=
          std::to_string(name.size()) + ":" + name + std::to_string(value->size()) + ":" + *value;
  return all;
}

Result<> copy_attributes(const std::string& from, const std::string& to) {
  const auto wanted = attribute_names(from);
  for (const std::string& name : attribute_names(to))
    if (std::ranges::find(wanted, name) == wanted.end())
      ::lremovexattr(to.c_str(), name.c_str());
  for (const std::string& name : wanted) {
    const auto value = attribute(from, name);
    if (!value)
      continue;
    if (::lsetxattr(to.c_str(), name.c_str(), value->data(), value->size(), 0) == 0)
      continue;
    // trusted.* and security.* need privilege; user.* on a link is not possible at all.
    if (errno != EPERM && errno != ENOTSUP)
      return error_of(errno, "set the attribute " + name + " of", to);
  }
  return ok();
}

Result<> in_parallel(std::size_t count, const std::function<Result<>(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::optional<Error> failure;
  const auto run = [&] {
    for (std::size_t index = next++; index < count; index = next++)
      if (auto done = work(index); !done) {
        const std::scoped_lock guard{mutex};
        if (!failure)
          failure = done.error();
        next = count; // nobody begins another one
      }
  };
  const auto threads =
      std::min<std::size_t>(std::clamp(std::thread::hardware_concurrency(), 2U, 8U), count);
  if (threads <= 1) {
    run();
  } else {
    std::vector<std::jthread> all;
    for (std::size_t thread = 0; thread < threads; ++thread)
      all.emplace_back(run);
  }
  if (failure)
    return *failure;
  return ok();
}

} // namespace os
