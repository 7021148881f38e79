#include "os/tree_root.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

constexpr std::size_t part_bytes_max = 4000; // of a path in one call: PATH_MAX is 4096
constexpr int open_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOATIME;

// -1 and errno. Where the kernel or a filter of the container has no openat2: -1 and ENOSYS.
int open_beneath(int folder, const std::string& path) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(open_flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  for (;;) {
    const long number = ::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how);
    if (number < 0 && errno == EPERM && (how.flags & O_NOATIME) != 0) {
      how.flags &= ~static_cast<std::uint64_t>(O_NOATIME); // it belongs to somebody else
      continue;
    }
    // EAGAIN: a folder was renamed while the kernel looked.
    if (number >= 0 || (errno != EINTR && errno != EAGAIN)) {
      if (number < 0 && errno == EPERM)
        errno = ENOSYS;
      return static_cast<int>(number);
    }
  }
}

int open_name(int folder, const std::string& name) {
  const int number = ::openat(folder, name.c_str(), open_flags);
  return number < 0 && errno == EPERM ? ::openat(folder, name.c_str(), open_flags & ~O_NOATIME)
                                      : number;
}

// As much of `path` as one call takes, and the rest.
std::pair<std::string, std::string> first_part(const std::string& path, bool is_by_name) {
  std::size_t cut = path.size();
  if (is_by_name)
    cut = path.find('/');
  else if (path.size() > part_bytes_max)
    cut = path.rfind('/', part_bytes_max);
  if (cut >= path.size())
    return {path, ""};
  return {path.substr(0, cut), path.substr(cut + 1)};
}

} // namespace

Result<TreeRoot> TreeRoot::open(const std::string& path) {
  return TreeRoot{path, TRY(open_file(path, O_RDONLY | O_DIRECTORY))};
}

std::string TreeRoot::whole(const std::string& relative) const {
  return relative.empty() ? path_ : path_ + "/" + relative;
}

Result<Fd> TreeRoot::folder(const std::string& relative) const {
  Fd at{::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!at)
    return error_of(errno, "open", path_);
  bool is_by_name = false;
  std::string rest = relative;
  while (!rest.empty()) {
    auto [part, later] = first_part(rest, is_by_name);
    const int next = is_by_name ? open_name(at.get(), part) : open_beneath(at.get(), part);
    if (next < 0 && errno == ENOSYS && !is_by_name) {
      is_by_name = true;
      continue;
    }
    if (next < 0 && (errno == ELOOP || errno == ENOTDIR))
      return Error{ErrorKind::conflict, "'" + whole(relative) + "' is no longer a folder", ""};
    if (next < 0)
      return error_of(errno, "open", whole(relative));
    at = Fd{next};
    rest = std::move(later);
  }
  return at;
}

std::string folder_part(const std::string& relative) {
  const std::size_t slash = relative.rfind('/');
  return slash == std::string::npos ? "" : relative.substr(0, slash);
}

std::string name_part(const std::string& relative) {
  const std::size_t slash = relative.rfind('/');
  return slash == std::string::npos ? relative : relative.substr(slash + 1);
}

} // namespace os
