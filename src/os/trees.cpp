#include "os/trees.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"
#include "os/fd.hpp"
#include "os/tree_capture.hpp"
#include "os/tree_copy.hpp"
#include "os/unpack.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::Difference;

namespace {

std::string below(const std::string& root, const std::string& path) {
  return path.empty() ? root : root + "/" + path;
}

// Equal size and time in nanoseconds, of files of which one is a copy of the other: the same. Else
// their bytes decide.
Result<bool> is_same(const std::string& a_root, const TreeEntry& a, const std::string& b_root,
                     const TreeEntry& b) {
  if (a.mode != b.mode || a.user != b.user || a.group != b.group || a.target != b.target ||
      a.size != b.size)
    return false;
  if (!a.is_file() || a.mtime_ns == b.mtime_ns)
    return true;
  return TRY(sha256_of_file(below(a_root, a.path))) == TRY(sha256_of_file(below(b_root, b.path)));
}

} // namespace

Result<world::TreeSize> Trees::size(const std::string& root,
                                    const std::vector<std::string>& exclude) {
  world::TreeSize size;
  for (const TreeEntry& entry : TRY(walk_tree(root, exclude))) {
    size.files += entry.path.empty() ? 0 : 1;
    size.bytes += entry.allocated_bytes;
  }
  return size;
}

Result<world::Capture> Trees::capture(const std::string& source, const std::string& copy,
                                      const std::string& catalogue,
                                      const world::CaptureOptions& options) {
  const EffectScope scope{effects_, "trees.capture", copy};
  return capture_tree(source, copy, catalogue, options);
}

Result<std::string> Trees::catalogue(const std::string& root, const std::string& catalogue) {
  const EffectScope scope{effects_, "trees.catalogue", catalogue};
  return catalogue_tree(root, catalogue);
}

Result<> Trees::verify(const std::string& copy, const std::string& catalogue, world::Depth depth) {
  return verify_tree(copy, catalogue, depth);
}

Result<std::string> Trees::digest(const std::string& root) {
  const auto entries = TRY(walk_tree(root, {}));
  std::vector<std::string> lines(entries.size());
  TRY(in_parallel(entries.size(), [&](std::size_t index) -> Result<> {
    const TreeEntry& entry = entries[index];
    std::string content = entry.target;
    if (entry.is_file())
      content = TRY(sha256_of_file(below(root, entry.path)));
    lines[index] = std::to_string(entry.path.size()) + ":" + entry.path + " " +
                   std::to_string(entry.mode) + " " + std::to_string(content.size()) + ":" +
                   content + "\n";
    return ok();
  }));
  base::Sha256 digest;
  for (std::size_t index = 0; index < lines.size(); ++index)
    if (!entries[index].path.empty()) // the mode of the root itself says nothing of a release
      digest.update(lines[index]);
  return digest.hex();
}

Result<std::vector<Difference>> Trees::compare(const std::string& a, const std::string& b,
                                               const std::vector<std::string>& exclude) {
  const auto left = TRY(walk_tree(a, exclude));
  const auto right = TRY(walk_tree(b, exclude));
  std::vector<Difference> found;
  auto at = left.begin();
  for (const TreeEntry& entry : right) {
    for (; at != left.end() && at->path < entry.path; ++at)
      found.push_back({Difference::Kind::removed, at->path, at->size, 0});
    if (at == left.end() || at->path != entry.path) {
      found.push_back({Difference::Kind::added, entry.path, 0, entry.size});
      continue;
    }
    // The root itself is compared by what is in it; its mode changes with a mount.
    if (!entry.path.empty() && !TRY(is_same(a, *at, b, entry)))
      found.push_back({Difference::Kind::changed, entry.path, at->size, entry.size});
    ++at;
  }
  for (; at != left.end(); ++at)
    found.push_back({Difference::Kind::removed, at->path, at->size, 0});
  return found;
}

Result<> Trees::copy_root_metadata(const std::string& from, const std::string& to) {
  const EffectScope scope{effects_, "trees.copy_root_metadata", to};
  struct stat info {};
  if (::stat(from.c_str(), &info) != 0)
    return error_of(errno, "look at", from);
  TreeEntry entry;
  entry.mode = info.st_mode;
  entry.user = info.st_uid;
  entry.group = info.st_gid;
  entry.mtime_ns = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec;
  TRY(copy_metadata(entry, from, to));
  return sync_folder(to);
}

Result<> Trees::copy(const std::string& from, const std::string& to) {
  const EffectScope scope{effects_, "trees.copy", to};
  const auto entries = TRY(walk_tree(from, {}));
  for (const TreeEntry& entry : entries)
    if (entry.is_folder() && ::mkdir(below(to, entry.path).c_str(), 0700) != 0)
      return error_of(errno, "create", below(to, entry.path));
  TRY(in_parallel(entries.size(), [&](std::size_t index) -> Result<> {
    const TreeEntry& entry = entries[index];
    const std::string source = below(from, entry.path);
    const std::string target = below(to, entry.path);
    if (entry.is_folder())
      return ok();
    if (entry.is_file()) {
      TRY(copy_file_content(source, target));
      return ok();
    }
    TRY(copy_special(entry, target));
    return copy_metadata(entry, source, target);
  }));
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry)
    if (entry->is_folder())
      TRY(copy_metadata(*entry, below(from, entry->path), below(to, entry->path)));
  return ok();
}

Result<> Trees::copy_file(const std::string& from, const std::string& to) {
  const EffectScope scope{effects_, "trees.copy_file", to};
  const std::string temporary = base::parent_of(to) + "/.belay-tmp-" + base::name_of_path(to);
  TRY(copy_file_content(from, temporary));
  TRY(sync_file(TRY(open_file(temporary, O_RDONLY)), to));
  if (std::rename(temporary.c_str(), to.c_str()) != 0)
    return error_of(errno, "replace", to);
  return sync_folder(base::parent_of(to));
}

Result<> Trees::unpack(const std::string& archive, const std::string& to, std::uint64_t bytes_max) {
  const EffectScope scope{effects_, "trees.unpack", to};
  return unpack_archive(archive, to, bytes_max);
}

Result<std::string> Trees::file_digest(const std::string& path) {
  return sha256_of_file(path);
}

Result<> Trees::sync(const std::string& root) {
  const EffectScope scope{effects_, "trees.sync", root};
  const Fd folder = TRY(open_file(root, O_RDONLY | O_DIRECTORY));
  if (::syncfs(folder.get()) != 0)
    return error_of(errno, "sync the file system of", root);
  return ok();
}

Result<> Trees::remove(const std::string& root) {
  const EffectScope scope{effects_, "trees.remove", root};
  struct stat info {};
  if (::lstat(root.c_str(), &info) != 0 && errno == ENOENT)
    return ok();
  TRY(remove_all(root));
  return sync_folder(base::parent_of(root));
}

} // namespace os
