#include "os/tree_verify.hpp"

#include "base/digest.hpp"
#include "os/parallel.hpp"
#include "os/tree_capture.hpp"
#include "os/tree_copy.hpp"
#include "os/tree_plan.hpp"

#include <algorithm>
#include <atomic>
#include <map>

#include <fcntl.h>

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

// Neighbours in the list mostly have one folder: it is opened once for a run of them.
constexpr std::size_t run_entries = 64;

// Calls `work(index, folder)` for each entry from several threads, with the open folder it is in.
template <class Entries, class Path, class Work>
Result<> in_folders(const TreeRoot& root, const Entries& entries, const Path& path_of,
                    const Work& work) {
  const std::size_t runs = (entries.size() + run_entries - 1) / run_entries;
  return in_parallel(runs, [&](std::size_t run) -> Result<> {
    std::string open_path = "//"; // no path is so
    Fd folder;
    const std::size_t end = std::min(entries.size(), (run + 1) * run_entries);
    for (std::size_t index = run * run_entries; index < end; ++index) {
      const std::string path = folder_part(path_of(entries[index]));
      if (path != open_path) {
        folder = TRY(root.folder(path));
        open_path = path;
      }
      TRY(work(index, folder));
    }
    return ok();
  });
}

Error differs(const std::string& copy, const std::string& path, const std::string& how) {
  return {ErrorKind::corrupt, "the kept copy '" + below(copy, path) + "' " + how,
          "Do not use it; choose another restore point: 'belay points'."};
}

Result<std::string> sha256_at(const Spot& spot) {
  const Fd file = TRY(open_for_read(spot));
  return sha256_of(file, TRY(look_at(file, spot.whole)), spot.whole);
}

class Verification {
public:
  Verification(TreeRoot copy, Catalogue& catalogue, world::Depth depth)
      : copy_{std::move(copy)}, catalogue_{catalogue}, depth_{depth} {}

  Result<> run() {
    now_ = TRY(walk_tree(copy_, {}));
    TRY(compare_names());
    TRY(in_folders(
        copy_, catalogue_.entries,
        [](const CatalogueEntry& entry) -> const std::string& { return entry.source.path; },
        [this](std::size_t index, const Fd& folder) { return check(index, folder); }));
    return check_names_of_one_file();
  }
  bool has_news() const { return has_news_; }

private:
  // After it both lists have the same paths in the same order.
  Result<> compare_names() const {
    auto at = now_.begin();
    for (const CatalogueEntry& entry : catalogue_.entries) {
      const TreeEntry& then = entry.source;
      if (at != now_.end() && at->path < then.path)
        return differs(copy_.path(), at->path, "was not captured");
      if (at == now_.end() || at->path != then.path)
        return differs(copy_.path(), then.path, "is gone");
      if (!at->is_same_kind(then))
        return differs(copy_.path(), then.path, "is of another kind than was captured");
      ++at;
    }
    if (at != now_.end())
      return differs(copy_.path(), at->path, "was not captured");
    return ok();
  }

  Result<> check(std::size_t index, const Fd& folder) {
    CatalogueEntry& entry = catalogue_.entries[index];
    const TreeEntry& then = entry.source;
    const TreeEntry& now = now_[index];
    if (now.mode != then.mode && !then.is_link())
      return differs(copy_.path(), then.path, "has another mode than was captured");
    if (now.user != then.user || now.group != then.group)
      return differs(copy_.path(), then.path, "has another owner than was captured");
    if (now.target != then.target || now.special != then.special)
      return differs(copy_.path(), then.path, "leads elsewhere than was captured");
    if (now.size != then.size)
      return differs(copy_.path(), then.path, "has another size than was captured");
    if (then.is_file() && now.mtime_ns != then.mtime_ns)
      return differs(copy_.path(), then.path, "has another time than was captured");
    const bool is_untouched = now.inode == entry.copy_inode && now.ctime_ns == entry.copy_ctime_ns;
    if (depth_ == world::Depth::quick && is_untouched && (entry.is_verified || !then.is_file()))
      return ok();
    return read_back(entry, now, {folder, name_part(then.path), copy_.whole(then.path)});
  }

  Result<> read_back(CatalogueEntry& entry, const TreeEntry& now, const Spot& spot) {
    const std::string& path = entry.source.path;
    Attributes attributes;
    if (entry.source.is_file()) {
      const Fd file = TRY(open_for_read(spot));
      const TreeEntry look = TRY(look_at(file, spot.whole));
      if (depth_ == world::Depth::full) // from the disk, not from the memory of the kernel
        ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
      if (TRY(sha256_of(file, look, spot.whole)) != entry.sha256)
        return differs(copy_.path(), path, "has other bytes than were captured");
      attributes = TRY(read_attributes(file, spot.whole));
    } else if (entry.source.is_folder()) {
      attributes = TRY(read_attributes(TRY(copy_.folder(path)), spot.whole));
    } else {
      attributes = TRY(read_attributes(spot));
    }
    if (digest_of(attributes) != entry.attributes)
      return differs(copy_.path(), path, "has other attributes than were captured");
    if (entry.is_verified && now.inode == entry.copy_inode && now.ctime_ns == entry.copy_ctime_ns)
      return ok();
    entry.is_verified = true;
    entry.copy_inode = now.inode;
    entry.copy_ctime_ns = now.ctime_ns;
    has_news_ = true;
    return ok();
  }

  Result<> check_names_of_one_file() const {
    for (std::size_t index = 0; index < now_.size(); ++index) {
      const CatalogueEntry& entry = catalogue_.entries[index];
      if (entry.first_name.empty())
        continue;
      const std::size_t first = index_of(now_, entry.first_name);
      if (first == now_.size() || now_[first].inode != now_[index].inode)
        return differs(copy_.path(), entry.source.path,
                       "is no longer the same file as '" + entry.first_name + "'");
    }
    return ok();
  }

  TreeRoot copy_;
  Catalogue& catalogue_;
  const world::Depth depth_;
  std::vector<TreeEntry> now_;
  std::atomic<bool> has_news_ = false;
};

Result<Catalogue> catalogue_of_copy(const std::string& copy, const std::string& path) {
  auto catalogue = read_catalogue(path);
  if (catalogue || catalogue.error().kind != ErrorKind::not_found)
    return catalogue;
  if (read_catalogue(retracted_name(path)))
    return Error{ErrorKind::corrupt, "the kept copy '" + copy + "' was not brought to its end",
                 "Run 'belay resume', or choose another restore point: 'belay points'."};
  return catalogue;
}

// Equal size and time in nanoseconds, of trees of which one came from the other: the same bytes.
// Else the bytes decide.
Result<bool> is_same(const TreeRoot& a_root, const TreeEntry& a, const TreeRoot& b_root,
                     const TreeEntry& b) {
  if (a.mode != b.mode || a.user != b.user || a.group != b.group || a.target != b.target ||
      a.special != b.special || a.size != b.size)
    return false;
  if (!a.is_file() || a.mtime_ns == b.mtime_ns)
    return true;
  const Fd a_folder = TRY(a_root.folder(folder_part(a.path)));
  const Fd b_folder = TRY(b_root.folder(folder_part(b.path)));
  return TRY(sha256_at({a_folder, name_part(a.path), a_root.whole(a.path)})) ==
         TRY(sha256_at({b_folder, name_part(b.path), b_root.whole(b.path)}));
}

} // namespace

Result<> verify_tree(const std::string& copy, const std::string& catalogue_path,
                     world::Depth depth) {
  Catalogue catalogue = TRY(catalogue_of_copy(copy, catalogue_path));
  Verification verification{TRY(TreeRoot::open(copy)), catalogue, depth};
  TRY(verification.run());
  return verification.has_news() ? write_catalogue(catalogue_path, catalogue) : ok();
}

Result<std::string> catalogue_tree(const std::string& root, const std::string& catalogue_path) {
  const TreeRoot folder = TRY(TreeRoot::open(root));
  Catalogue catalogue;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> first_names;
  for (TreeEntry& entry : TRY(walk_tree(folder, {}))) {
    CatalogueEntry next;
    if (entry.is_file() && entry.links > 1) {
      const auto [first, is_first] =
          first_names.try_emplace({entry.device, entry.inode}, entry.path);
      next.first_name = is_first ? "" : first->second;
    }
    next.copy_inode = entry.inode;
    next.copy_ctime_ns = entry.ctime_ns;
    next.source = std::move(entry);
    catalogue.entries.push_back(std::move(next));
  }
  const auto read = [&](std::size_t index, const Fd& in) -> Result<> {
    CatalogueEntry& entry = catalogue.entries[index];
    const Spot spot{in, name_part(entry.source.path), folder.whole(entry.source.path)};
    Attributes attributes;
    if (entry.source.is_file()) {
      const Fd file = TRY(open_for_read(spot));
      entry.sha256 = TRY(sha256_of(file, entry.source, spot.whole));
      attributes = TRY(read_attributes(file, spot.whole));
    } else if (entry.source.is_folder()) {
      attributes = TRY(read_attributes(TRY(folder.folder(entry.source.path)), spot.whole));
    } else {
      attributes = TRY(read_attributes(spot));
    }
    entry.attributes = digest_of(attributes);
    entry.is_verified = true;
    return ok();
  };
  TRY(in_folders(
      folder, catalogue.entries,
      [](const CatalogueEntry& entry) -> const std::string& { return entry.source.path; }, read));
  TRY(write_catalogue(catalogue_path, catalogue));
  return digest_of(catalogue);
}

Result<std::string> digest_tree(const std::string& root) {
  const TreeRoot folder = TRY(TreeRoot::open(root));
  const auto entries = TRY(walk_tree(folder, {}));
  std::vector<std::string> lines(entries.size());
  const auto read = [&](std::size_t index, const Fd& in) -> Result<> {
    const TreeEntry& entry = entries[index];
    const std::string content =
        entry.is_file() ? TRY(sha256_at({in, name_part(entry.path), folder.whole(entry.path)}))
                        : entry.target;
    lines[index] = std::to_string(entry.path.size()) + ":" + entry.path + " " +
                   std::to_string(entry.mode) + " " + std::to_string(content.size()) + ":" +
                   content + "\n";
    return ok();
  };
  TRY(in_folders(
      folder, entries, [](const TreeEntry& entry) -> const std::string& { return entry.path; },
      read));
  base::Sha256 digest;
  for (std::size_t index = 1; index < lines.size(); ++index)
    digest.update(lines[index]); // the mode of the root itself says nothing of a release
  return digest.hex();
}

Result<std::vector<Difference>> compare_trees(const std::string& a, const std::string& b,
                                              const std::vector<std::string>& exclude) {
  const TreeRoot a_root = TRY(TreeRoot::open(a));
  const TreeRoot b_root = TRY(TreeRoot::open(b));
  const auto left = TRY(walk_tree(a_root, exclude));
  const auto right = TRY(walk_tree(b_root, exclude));
  std::vector<Difference> found;
  std::vector<std::pair<const TreeEntry*, const TreeEntry*>> both;
  auto at = left.begin();
  for (const TreeEntry& entry : right) {
    for (; at != left.end() && at->path < entry.path; ++at)
      found.push_back({Difference::Kind::removed, at->path, at->size, 0});
    if (at == left.end() || at->path != entry.path) {
      found.push_back({Difference::Kind::added, entry.path, 0, entry.size});
      continue;
    }
    // The root itself is compared by what is in it; its mode changes with a mount.
    if (!entry.path.empty())
      both.emplace_back(&*at, &entry);
    ++at;
  }
  for (; at != left.end(); ++at)
    found.push_back({Difference::Kind::removed, at->path, at->size, 0});
  std::vector<char> is_changed(both.size());
  TRY(in_parallel(both.size(), [&](std::size_t index) -> Result<> {
    const auto& [then, now] = both[index];
    is_changed[index] = TRY(is_same(a_root, *then, b_root, *now)) ? 0 : 1;
    return ok();
  }));
  for (std::size_t index = 0; index < both.size(); ++index)
    if (is_changed[index] != 0)
      found.push_back({Difference::Kind::changed, both[index].first->path, both[index].first->size,
                       both[index].second->size});
  std::ranges::sort(found, {}, &Difference::path);
  return found;
}

} // namespace os
