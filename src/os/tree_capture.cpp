#include "os/tree_capture.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"
#include "os/fd.hpp"
#include "os/tree_copy.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <map>
#include <mutex>
#include <set>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

// Up to here each file is synced by itself; above, the whole file system is, which is one call.
constexpr std::size_t single_syncs_max = 64;

std::string below(const std::string& root, const std::string& path) {
  return path.empty() ? root : root + "/" + path;
}

bool is_same_source(const TreeEntry& now, const TreeEntry& then) {
  return now.mode == then.mode && now.size == then.size && now.mtime_ns == then.mtime_ns &&
         now.ctime_ns == then.ctime_ns && now.inode == then.inode && now.device == then.device &&
         now.target == then.target;
}

std::string attributes_digest(const std::string& path) {
  const std::string all = read_attributes(path);
  return all.empty() ? "" : base::sha256_hex(all);
}

const TreeEntry* find_entry(const std::vector<TreeEntry>& entries, const std::string& path) {
  const auto at = std::ranges::lower_bound(entries, path, {}, &TreeEntry::path);
  return at != entries.end() && at->path == path ? &*at : nullptr;
}

class CaptureRun {
public:
  CaptureRun(std::string source, std::string copy, std::string catalogue,
             const world::CaptureOptions& options)
      : source_{std::move(source)}, copy_{std::move(copy)},
        catalogue_path_{std::move(catalogue)}, options_{options} {}

  Result<world::Capture> run() {
    sources_ = TRY(walk_tree(source_, options_.exclude));
    TRY(read_old());
    TRY(remove_what_went());
    TRY(plan_work());
    TRY(make_folders());
    TRY(copy_files());
    TRY(link_files());
    TRY(finish_folders());
    TRY(sync_tree(copy_, changed_));
    TRY(look_at_copies());
    TRY(write_catalogue(catalogue_path_, next_));
    return conclude();
  }

private:
  // A catalogue that cannot be read is as none: everything is copied again.
  Result<> read_old() {
    auto old = read_catalogue(catalogue_path_);
    if (old)
      old_ = std::move(old).value();
    else if (old.error().kind == ErrorKind::too_new)
      return std::move(old).error();
    auto copies = walk_tree(copy_, {});
    if (copies)
      copies_ = std::move(copies).value();
    else if (copies.error().kind != ErrorKind::not_found)
      return std::move(copies).error();
    return ok();
  }

  Result<> remove_what_went() {
    std::string removed = "//"; // no path begins so
    for (const TreeEntry& copy : copies_) {
      if (base::is_inside(copy.path, removed))
        continue; // went with its folder
      const TreeEntry* source = find_entry(sources_, copy.path);
      if (source != nullptr && (source->mode & S_IFMT) == (copy.mode & S_IFMT))
        continue;
      TRY(remove_all(below(copy_, copy.path)));
      changed_.push_back(base::parent_of("/" + copy.path).substr(1));
      removed = copy.path;
    }
    if (!removed.starts_with("//"))
      std::erase_if(copies_, [&](const TreeEntry& each) {
        struct stat info {};
        return ::lstat(below(copy_, each.path).c_str(), &info) != 0;
      });
    return ok();
  }

  // The copy of this entry is what the old catalogue says it is, and the source has not changed.
  bool is_unchanged(const TreeEntry& source) const {
    const CatalogueEntry* old = old_.find(source.path);
    const TreeEntry* copy = find_entry(copies_, source.path);
    return old != nullptr && copy != nullptr && is_same_source(source, old->source) &&
           copy->inode == old->copy_inode && copy->ctime_ns == old->copy_ctime_ns;
  }

  Result<> plan_work() {
    next_.entries.resize(sources_.size());
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> first_of;
    for (std::size_t index = 0; index < sources_.size(); ++index) {
      const TreeEntry& source = sources_[index];
      next_.entries[index].source = source;
      const bool is_shared = source.is_file() && source.links > 1;
      if (is_shared) {
        const auto [first, is_first] = first_of.try_emplace({source.device, source.inode}, index);
        if (!is_first) {
          linked_.emplace_back(index, first->second);
          continue;
        }
      }
      if (source.is_folder())
        folders_.push_back(index);
      else if (!is_shared && is_unchanged(source))
        next_.entries[index] = *old_.find(source.path);
      else
        changed_files_.push_back(index);
      if (!source.is_folder())
        total_bytes_ += source.size;
    }
    return ok();
  }

  Result<> make_folders() {
    for (const std::size_t index : folders_) {
      const std::string path = below(copy_, sources_[index].path);
      if (::mkdir(path.c_str(), 0700) == 0)
        changed_.push_back(sources_[index].path);
      else if (errno != EEXIST)
        return error_of(errno, "create", path);
    }
    return ok();
  }

  Result<> copy_files() {
    for (const std::size_t index : changed_files_) {
      changed_.push_back(sources_[index].path);
      to_copy_bytes_ += sources_[index].size;
    }
    return in_parallel(changed_files_.size(),
                       [this](std::size_t at) -> Result<> { return copy_one(changed_files_[at]); });
  }

  Result<> copy_one(std::size_t index) {
    CatalogueEntry& entry = next_.entries[index];
    const std::string from = below(source_, entry.source.path);
    const std::string to = below(copy_, entry.source.path);
    entry.is_verified = false;
    entry.attributes = attributes_digest(from);
    if (!entry.source.is_file()) {
      TRY(copy_special(entry.source, to));
      return copy_metadata(entry.source, from, to);
    }
    for (int attempt = 0; attempt < 2; ++attempt) {
      auto copied = copy_file_content(from, to);
      if (!copied && copied.error().kind == ErrorKind::not_found) {
        note_torn(entry.source.path); // gone since it was listed
        entry.source.path.insert(0, 1, '\0');
        return ok();
      }
      CopiedFile file = TRY(std::move(copied));
      file.source.path = entry.source.path;
      entry.source = file.source;
      entry.sha256 = file.sha256;
      if (file.was_reflinked)
        was_reflinked_ = true;
      if (!file.is_torn)
        break;
      if (attempt == 1)
        note_torn(entry.source.path);
    }
    copied_bytes_ += entry.source.size;
    report_progress();
    return ok();
  }

  void note_torn(const std::string& path) {
    const std::scoped_lock guard{mutex_};
    torn_.push_back(path);
  }

  void report_progress() {
    if (!options_.progress)
      return;
    const std::scoped_lock guard{mutex_};
    options_.progress(copied_bytes_, to_copy_bytes_);
  }

  // Names of one file stay names of one file.
  Result<> link_files() {
    for (const auto& [index, first] : linked_) {
      CatalogueEntry& entry = next_.entries[index];
      const CatalogueEntry& original = next_.entries[first];
      const std::string path = below(copy_, entry.source.path);
      const std::string from = below(copy_, original.source.path);
      if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return error_of(errno, "remove", path);
      if (::link(from.c_str(), path.c_str()) != 0)
        return error_of(errno, "link", path);
      entry.sha256 = original.sha256;
      entry.attributes = original.attributes;
      entry.is_verified = false;
      changed_.push_back(entry.source.path);
    }
    return ok();
  }

  // From the innermost out: what is made in a folder changes its time.
  Result<> finish_folders() {
    for (auto index = folders_.rbegin(); index != folders_.rend(); ++index) {
      const TreeEntry& source = sources_[*index];
      const std::string from = below(source_, source.path);
      TRY(copy_metadata(source, from, below(copy_, source.path)));
      next_.entries[*index].attributes = attributes_digest(from);
    }
    return ok();
  }

  Result<> look_at_copies() {
    std::erase_if(next_.entries,
                  [](const CatalogueEntry& entry) { return entry.source.path.starts_with('\0'); });
    for (CatalogueEntry& entry : next_.entries) {
      const std::string path = below(copy_, entry.source.path);
      struct stat info {};
      if (::lstat(path.c_str(), &info) != 0)
        return error_of(errno, "look at", path);
      entry.copy_inode = info.st_ino;
      entry.copy_ctime_ns = info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec;
    }
    return ok();
  }

  world::Capture conclude() {
    world::Capture capture;
    capture.digest = digest_of(next_);
    capture.size = {next_.entries.size(), total_bytes_};
    capture.copied = {changed_files_.size(), copied_bytes_};
    std::ranges::sort(torn_);
    capture.torn = std::move(torn_);
    capture.was_reflinked = was_reflinked_;
    return capture;
  }

  std::string source_;
  std::string copy_;
  std::string catalogue_path_;
  const world::CaptureOptions& options_;
  std::vector<TreeEntry> sources_;
  std::vector<TreeEntry> copies_;
  Catalogue old_;
  Catalogue next_;
  std::vector<std::size_t> folders_;
  std::vector<std::size_t> changed_files_;
  std::vector<std::pair<std::size_t, std::size_t>> linked_; // a further name, the first one
  std::vector<std::string> changed_;                        // paths to sync
  std::mutex mutex_;
  std::vector<std::string> torn_;
  std::atomic<std::uint64_t> copied_bytes_ = 0;
  std::atomic<bool> was_reflinked_ = false;
  std::uint64_t to_copy_bytes_ = 0;
  std::uint64_t total_bytes_ = 0;
};

Error differs(const std::string& copy, const std::string& path, const std::string& how) {
  return {ErrorKind::corrupt, "the kept copy '" + below(copy, path) + "' " + how,
          "Do not use it; choose another restore point: 'belay points'."};
}

// Reads back what was not read back yet, or everything.
Result<> verify_entry(const std::string& copy, CatalogueEntry& entry, const TreeEntry& now,
                      world::Depth depth) {
  const TreeEntry& then = entry.source;
  if ((now.mode & 07777U) != (then.mode & 07777U) && !then.is_link())
    return differs(copy, then.path, "has another mode than was captured");
  if (now.user != then.user || now.group != then.group)
    return differs(copy, then.path, "has another owner than was captured");
  if (now.target != then.target)
    return differs(copy, then.path, "leads elsewhere than was captured");
  if (!then.is_file())
    return ok();
  if (now.size != then.size)
    return differs(copy, then.path, "has another size than was captured");
  const bool was_touched = now.inode != entry.copy_inode || now.ctime_ns != entry.copy_ctime_ns;
  if (depth == world::Depth::quick && entry.is_verified && !was_touched)
    return ok();
  const std::string path = below(copy, then.path);
  if (TRY(sha256_of_file(path)) != entry.sha256)
    return differs(copy, then.path, "has other bytes than were captured");
  if (attributes_digest(path) != entry.attributes && ::geteuid() == 0)
    return differs(copy, then.path, "has other attributes than were captured");
  entry.is_verified = true;
  entry.copy_inode = now.inode;
  entry.copy_ctime_ns = now.ctime_ns;
  return ok();
}

} // namespace

Result<world::Capture> capture_tree(const std::string& source, const std::string& copy,
                                    const std::string& catalogue,
                                    const world::CaptureOptions& options) {
  return CaptureRun{source, copy, catalogue, options}.run();
}

Result<> verify_tree(const std::string& copy, const std::string& catalogue_path,
                     world::Depth depth) {
  Catalogue catalogue = TRY(read_catalogue(catalogue_path));
  const auto now = TRY(walk_tree(copy, {}));
  if (now.size() != catalogue.entries.size())
    for (const TreeEntry& entry : now)
      if (catalogue.find(entry.path) == nullptr)
        return differs(copy, entry.path, "was not captured");
  for (const CatalogueEntry& entry : catalogue.entries) {
    const TreeEntry* there = find_entry(now, entry.source.path);
    if (there == nullptr)
      return differs(copy, entry.source.path, "is gone");
    if ((there->mode & S_IFMT) != (entry.source.mode & S_IFMT))
      return differs(copy, entry.source.path, "is of another kind than was captured");
  }
  std::atomic<bool> has_news = false;
  TRY(in_parallel(catalogue.entries.size(), [&](std::size_t index) -> Result<> {
    CatalogueEntry& entry = catalogue.entries[index];
    const bool was_verified = entry.is_verified;
    TRY(verify_entry(copy, entry, *find_entry(now, entry.source.path), depth));
    if (entry.is_verified != was_verified)
      has_news = true;
    return ok();
  }));
  return has_news ? write_catalogue(catalogue_path, catalogue) : ok();
}

Result<std::string> catalogue_tree(const std::string& root, const std::string& catalogue_path) {
  Catalogue catalogue;
  for (TreeEntry& entry : TRY(walk_tree(root, {}))) {
    CatalogueEntry next;
    next.source = std::move(entry);
    next.copy_inode = next.source.inode;
    next.copy_ctime_ns = next.source.ctime_ns;
    catalogue.entries.push_back(std::move(next));
  }
  TRY(in_parallel(catalogue.entries.size(), [&](std::size_t index) -> Result<> {
    CatalogueEntry& entry = catalogue.entries[index];
    const std::string path = below(root, entry.source.path);
    entry.attributes = attributes_digest(path);
    if (entry.source.is_file()) {
      entry.sha256 = TRY(sha256_of_file(path));
      entry.is_verified = true;
    }
    return ok();
  }));
  TRY(write_catalogue(catalogue_path, catalogue));
  return digest_of(catalogue);
}

Result<> sync_tree(const std::string& root, const std::vector<std::string>& changed) {
  if (changed.size() > single_syncs_max) {
    const Fd folder = TRY(open_file(root, O_RDONLY | O_DIRECTORY));
    if (::syncfs(folder.get()) != 0)
      return error_of(errno, "sync the file system of", root);
    return ok();
  }
  std::set<std::string> folders{root};
  for (const std::string& path : changed) {
    const std::string whole = below(root, path);
    folders.insert(base::parent_of(whole));
    struct stat info {};
    if (::lstat(whole.c_str(), &info) != 0)
      continue; // it went
    if (S_ISDIR(info.st_mode))
      folders.insert(whole);
    else if (S_ISREG(info.st_mode))
      TRY(sync_file(TRY(open_file(whole, O_RDONLY | O_NOFOLLOW)), whole));
  }
  for (const std::string& folder : folders)
    TRY(sync_folder(folder));
  return ok();
}

} // namespace os
