#include "os/tree_remove.hpp"

#include "base/text.hpp"
#include "os/tree_walk.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

// A folder that is being emptied; the innermost is the last. Its descriptor is not kept, so that
// any depth can be removed: it is reached again through "..", which is checked.
struct Level {
  std::string name;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::vector<std::string> left; // names in it
};

class Removal {
public:
  explicit Removal(const Spot& spot) : spot_{spot} {}

  Result<> run() {
    if (TRY(is_removed(spot_.folder, spot_.name)))
      return ok();
    at_ = TRY(enter(spot_.folder, spot_.name));
    for (;;) {
      if (TRY(step()))
        continue;
      const std::string done = std::move(levels_.back().name);
      levels_.pop_back();
      if (levels_.empty())
        return remove_folder(spot_.folder, done);
      TRY(leave());
      TRY(remove_folder(at_, done));
    }
  }

private:
  // Empties the folder as far as it holds no other; true when one was entered.
  Result<bool> step() {
    std::vector<std::string>& left = levels_.back().left;
    while (!left.empty()) {
      const std::string name = std::move(left.back());
      left.pop_back();
      if (!TRY(is_removed(at_, name))) {
        at_ = TRY(enter(at_, name));
        return true;
      }
    }
    return false;
  }

  Result<bool> is_removed(const Fd& folder, const std::string& name) const {
    if (::unlinkat(folder.get(), name.c_str(), 0) == 0 || errno == ENOENT)
      return true;
    const int failed = errno;
    struct stat info {};
    if (::fstatat(folder.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISDIR(info.st_mode))
      return false;
    return error_of(failed, "remove", spot_.whole);
  }

  Result<Fd> enter(const Fd& folder, const std::string& name) {
    Fd below{::openat(folder.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!below && errno == EACCES && ::fchmodat(folder.get(), name.c_str(), 0700, 0) == 0)
      below =
          Fd{::openat(folder.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!below)
      return error_of(errno, "open", spot_.whole + "' or '" + name);
    const TreeEntry look = TRY(look_at(below, spot_.whole));
    if (!levels_.empty() && look.device != levels_.front().device)
      return Error{ErrorKind::conflict,
                   "another file system is mounted on '" + name + "' in '" + spot_.whole + "'",
                   "Unmount it, then try again."};
    if ((look.mode & 0700U) != 0700U)
      ::fchmod(below.get(), 0700); // else nothing can be removed in it; if it fails, that tells
    levels_.push_back({name, look.device, look.inode, TRY(names_in(below, spot_.whole))});
    return below;
  }

  Result<> leave() {
    Fd above{::openat(at_.get(), "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!above)
      return error_of(errno, "open the folder above in", spot_.whole);
    const TreeEntry look = TRY(look_at(above, spot_.whole));
    if (look.inode != levels_.back().inode || look.device != levels_.back().device)
      return Error{ErrorKind::conflict, "'" + spot_.whole + "' is moved while it is removed", ""};
    at_ = std::move(above);
    return ok();
  }

  Result<> remove_folder(const Fd& folder, const std::string& name) const {
    if (::unlinkat(folder.get(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT)
      return ok();
    if (errno == EBUSY)
      return Error{ErrorKind::conflict,
                   "another file system is mounted on '" + name + "' in '" + spot_.whole + "'",
                   "Unmount it, then try again."};
    return error_of(errno, "remove", spot_.whole);
  }

  const Spot& spot_;
  Fd at_;
  std::vector<Level> levels_;
};

} // namespace

Result<> remove_name(const Spot& spot) {
  return Removal{spot}.run();
}

Result<> remove_below(const TreeRoot& root, const std::string& relative) {
  auto folder = root.folder(folder_part(relative));
  if (!folder && folder.error().kind == ErrorKind::not_found)
    return ok();
  const Fd parent = TRY(std::move(folder));
  return remove_name({parent, name_part(relative), root.whole(relative)});
}

Result<> remove_tree(const std::string& path) {
  auto folder = open_file(base::parent_of(path), O_RDONLY | O_DIRECTORY);
  if (!folder && folder.error().kind == ErrorKind::not_found)
    return ok();
  const Fd parent = TRY(std::move(folder));
  TRY(remove_name({parent, base::name_of_path(path), path}));
  return sync_file(parent, path);
}

} // namespace os
