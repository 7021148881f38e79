#include "os/trees.hpp"

#include "base/text.hpp"
#include "os/look_into.hpp"
#include "os/tree_capture.hpp"
#include "os/tree_copy.hpp"
#include "os/tree_remove.hpp"
#include "os/tree_verify.hpp"
#include "os/unpack.hpp"

#include <cerrno>
#include <cstdio>
#include <set>

#include <fcntl.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

Result<> sync_file_system(const std::string& root) {
  const Fd folder = TRY(open_file(root, O_RDONLY | O_DIRECTORY));
  if (::syncfs(folder.get()) != 0)
    return error_of(errno, "sync the file system of", root);
  return ok();
}

} // namespace

Result<world::TreeSize> Trees::size(const std::string& root,
                                    const std::vector<std::string>& exclude) {
  world::TreeSize size;
  std::set<std::pair<std::uint64_t, std::uint64_t>> counted; // files with several names
  for (const TreeEntry& entry : TRY(walk_tree(root, exclude))) {
    size.files += entry.path.empty() ? 0 : 1;
    const bool is_shared = entry.is_file() && entry.links > 1;
    if (!is_shared || counted.emplace(entry.device, entry.inode).second)
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
  return digest_tree(root);
}

Result<std::vector<world::Difference>> Trees::compare(const std::string& a, const std::string& b,
                                                      const std::vector<std::string>& exclude) {
  return compare_trees(a, b, exclude);
}

Result<> Trees::copy_root_metadata(const std::string& from, const std::string& to) {
  const EffectScope scope{effects_, "trees.copy_root_metadata", to};
  const Fd source = TRY(open_file(from, O_RDONLY | O_DIRECTORY));
  const Fd target = TRY(open_file(to, O_RDONLY | O_DIRECTORY));
  CopyRun run;
  TRY(copy_folder_metadata(TRY(look_at(source, from)), source, target, to, run));
  return sync_file(target, to);
}

Result<> Trees::copy(const std::string& from, const std::string& to) {
  const EffectScope scope{effects_, "trees.copy", to};
  return copy_tree(from, to);
}

Result<> Trees::copy_file(const std::string& from, const std::string& to) {
  const EffectScope scope{effects_, "trees.copy_file", to};
  const std::string to_folder_path = base::parent_of(to);
  const Fd from_folder = TRY(open_file(base::parent_of(from), O_RDONLY | O_DIRECTORY));
  const Fd to_folder = TRY(open_file(to_folder_path, O_RDONLY | O_DIRECTORY));
  const std::string name = base::name_of_path(to);
  const Spot temporary{to_folder, ".belay-tmp-" + name, to_folder_path + "/.belay-tmp-" + name};
  CopyRun run;
  TRY(copy_file_content({from_folder, base::name_of_path(from), from}, temporary, {}, run));
  TRY(sync_file(TRY(open_for_read(temporary)), to));
  if (::renameat(to_folder.get(), temporary.name.c_str(), to_folder.get(), name.c_str()) != 0)
    return error_of(errno, "replace", to);
  return sync_file(to_folder, to_folder_path);
}

Result<world::ArchiveContents> Trees::look_into(const std::string& archive,
                                                const std::vector<std::string>& names,
                                                std::size_t text_bytes_max) {
  return look_into_archive(archive, names, text_bytes_max);
}

Result<> Trees::unpack(const std::string& archive, const std::string& to, std::uint64_t bytes_max) {
  const EffectScope scope{effects_, "trees.unpack", to};
  TRY(unpack_archive(archive, to, bytes_max));
  TRY(sync_file_system(to));
  return sync_folder(base::parent_of(to));
}

Result<std::string> Trees::file_digest(const std::string& path) {
  const Fd file = TRY(open_file(path, O_RDONLY | O_NONBLOCK));
  const TreeEntry look = TRY(look_at(file, path));
  if (!look.is_file())
    return Error{ErrorKind::invalid_input, "'" + path + "' is not a plain file", ""};
  return sha256_of(file, look, path);
}

Result<> Trees::sync(const std::string& root) {
  const EffectScope scope{effects_, "trees.sync", root};
  return sync_file_system(root);
}

Result<> Trees::remove(const std::string& root) {
  const EffectScope scope{effects_, "trees.remove", root};
  return remove_tree(root);
}

} // namespace os
