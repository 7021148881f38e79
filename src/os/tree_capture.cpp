#include "os/tree_capture.hpp"

#include "base/text.hpp"
#include "os/parallel.hpp"
#include "os/tree_copy.hpp"
#include "os/tree_plan.hpp"
#include "os/tree_remove.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <mutex>
#include <optional>

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
// A smaller changed file is written anew; in a larger one only the blocks that differ are.
constexpr std::uint64_t update_bytes_min = 256U << 10U;

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

// Times of files move in ticks of the kernel (10 ms at most), in some file systems in seconds.
bool is_fresh(const TreeEntry& source, std::int64_t looked_at_ns) {
  const std::int64_t tick_ns = source.ctime_ns % 1'000'000'000 == 0 ? 2'000'000'000 : 50'000'000;
  return source.ctime_ns > looked_at_ns - tick_ns;
}

bool is_changed(const TreeEntry& a, const TreeEntry& b) {
  return a.size != b.size || a.mtime_ns != b.mtime_ns || a.ctime_ns != b.ctime_ns ||
         a.inode != b.inode;
}

class CaptureRun {
public:
  CaptureRun(TreeRoot source, std::string copy, std::string catalogue,
             const world::CaptureOptions& options)
      : source_{std::move(source)}, copy_path_{std::move(copy)},
        catalogue_path_{std::move(catalogue)}, options_{options} {}

  Result<world::Capture> run() {
    sources_ = TRY(walk_tree(source_, options_.exclude));
    TRY(read_old());
    plan_ = make_plan(sources_, copies_, old_);
    if (!plan_.has_work() && is_old_current_)
      return conclude(old_);
    if (is_old_current_)
      TRY(retract_catalogue());
    TRY(bring());
    TRY(make_durable());
    if (::unlink(retracted_name(catalogue_path_).c_str()) != 0 && errno != ENOENT)
      return error_of(errno, "remove", retracted_name(catalogue_path_));
    return conclude(next_);
  }

  // Without a catalogue: a plain copy into a new folder.
  Result<> run_once() {
    sources_ = TRY(walk_tree(source_, options_.exclude));
    plan_ = make_plan(sources_, copies_, old_);
    TRY(bring());
    if (!torn_.empty())
      return Error{ErrorKind::conflict,
                   "'" + source_.whole(torn_.front()) + "' changed while it was copied",
                   "Stop what writes there, then try again."};
    return ok();
  }

private:
  Result<> bring() {
    if (::mkdir(copy_path_.c_str(), 0700) != 0 && errno != EEXIST)
      return error_of(errno, "create", copy_path_);
    copy_.emplace(TRY(TreeRoot::open(copy_path_)));
    const std::uint64_t total = plan_.bytes;
    if (options_.progress)
      run_.emplace(total, [this, total](std::uint64_t done) { options_.progress(done, total); });
    else
      run_.emplace();
    next_.entries.resize(sources_.size());
    is_dropped_.assign(sources_.size(), 0);
    for (std::size_t index = 0; index < sources_.size(); ++index) {
      if (plan_.entries[index].is_kept)
        next_.entries[index] = *plan_.entries[index].old;
      next_.entries[index].source = sources_[index];
    }
    TRY(remove_what_went());
    TRY(make_folders());
    TRY(in_parallel(plan_.batches.size(), [this](std::size_t index) -> Result<> {
      return copy_batch(plan_.batches[index]);
    }));
    TRY(link_names());
    TRY(finish_folders());
    TRY(look_again());
    drop_what_went();
    return ok();
  }

  // A catalogue that is damaged is as none: everything is copied again.
  Result<> read_old() {
    auto old = read_catalogue(catalogue_path_);
    is_old_current_ = static_cast<bool>(old);
    if (!old && old.error().kind == ErrorKind::not_found)
      old = read_catalogue(retracted_name(catalogue_path_));
    if (old)
      old_ = std::move(old).value();
    else if (old.error().kind != ErrorKind::not_found && old.error().kind != ErrorKind::corrupt)
      return std::move(old).error();
    auto copies = walk_tree(copy_path_, {});
    if (copies)
      copies_ = std::move(copies).value();
    else if (copies.error().kind != ErrorKind::not_found)
      return std::move(copies).error();
    return ok();
  }

  // From here on the copy is neither what it was nor what it will be. After a power cut each change
  // shows in names, inodes or change times, but for blocks written into a file that is there: they
  // may be on the disk before its change time. Only for these the new name must be there first.
  Result<> retract_catalogue() {
    const std::string retracted = retracted_name(catalogue_path_);
    if (std::rename(catalogue_path_.c_str(), retracted.c_str()) != 0)
      return error_of(errno, "rename", catalogue_path_);
    const bool is_any_updated = std::ranges::any_of(plan_.batches, [this](const Batch& batch) {
      return std::ranges::any_of(batch.entries,
                                 [this](std::size_t index) { return is_update(index); });
    });
    return is_any_updated ? sync_folder(base::parent_of(catalogue_path_)) : ok();
  }

  bool is_update(std::size_t index) const {
    return plan_.entries[index].copy != nullptr && sources_[index].size >= update_bytes_min;
  }

  Result<> remove_what_went() {
    std::string removed = "//"; // no path begins so
    for (const std::string& path : plan_.gone) {
      if (base::is_inside(path, removed))
        continue; // went with its folder
      TRY(remove_below(*copy_, path));
      removed = path;
    }
    return ok();
  }

  Result<> make_folders() {
    for (const std::size_t index : plan_.folders) {
      const std::string& path = sources_[index].path;
      const TreeEntry* copy = plan_.entries[index].copy;
      if (path.empty() || (copy != nullptr && (copy->mode & 0700U) == 0700U))
        continue;
      const Fd folder = TRY(copy_->folder(folder_part(path)));
      const std::string name = name_part(path);
      // A folder that its owner may not write to gets its own mode back at the end.
      const bool is_made = copy == nullptr ? ::mkdirat(folder.get(), name.c_str(), 0700) == 0
                                           : ::fchmodat(folder.get(), name.c_str(), 0700, 0) == 0;
      if (!is_made)
        return error_of(errno, "create", copy_->whole(path));
    }
    return ok();
  }

  Result<> copy_batch(const Batch& batch) {
    auto from = source_.folder(batch.folder);
    if (!from &&
        (from.error().kind == ErrorKind::not_found || from.error().kind == ErrorKind::conflict)) {
      for (const std::size_t index : batch.entries) // its folder went since it was listed
        TRY(drop(index));
      return ok();
    }
    if (!from)
      return std::move(from).error();
    const Fd to = TRY(copy_->folder(batch.folder));
    const bool may_inherit = has_attributes(to);
    for (const std::size_t index : batch.entries)
      TRY(copy_one(index, from.value(), to, may_inherit));
    return ok();
  }

  Result<> copy_one(std::size_t index, const Fd& from_folder, const Fd& to_folder,
                    bool may_inherit) {
    CatalogueEntry& entry = next_.entries[index];
    const std::string path = entry.source.path;
    const Spot from{from_folder, name_part(path), source_.whole(path)};
    const Spot to{to_folder, name_part(path), copy_->whole(path)};
    if (entry.source.is_file())
      return copy_file(index, from, to, may_inherit);
    entry.attributes = TRY(copy_special(entry.source, from, to, *run_));
    note_copy(entry, TRY(look_at(to)));
    return ok();
  }

  Result<> copy_file(std::size_t index, const Spot& from, const Spot& to, bool may_inherit) {
    CatalogueEntry& entry = next_.entries[index];
    const std::string path = entry.source.path;
    const CopyTo how{is_update(index) ? Existing::update : Existing::replace, may_inherit};
    for (int attempt = 0; attempt < 2; ++attempt) {
      const std::int64_t begin = now_ns();
      auto copied = copy_file_content(from, to, how, *run_);
      if (!copied && (copied.error().kind == ErrorKind::not_found ||
                      copied.error().kind == ErrorKind::conflict))
        return drop(index);
      CopiedFile file = TRY(std::move(copied));
      file.source.path = path;
      entry.source = file.source;
      entry.sha256 = file.sha256;
      entry.attributes = file.attributes;
      entry.is_fresh = file.is_torn || is_fresh(file.source, begin);
      note_copy(entry, file.copy);
      if (!file.is_torn)
        return ok();
    }
    note_torn(path);
    return ok();
  }

  static void note_copy(CatalogueEntry& entry, const TreeEntry& copy) {
    entry.copy_inode = copy.inode;
    entry.copy_ctime_ns = copy.ctime_ns;
    entry.is_verified = true; // what is written is read back at once
  }

  void note_torn(const std::string& path) {
    const std::scoped_lock guard{mutex_};
    torn_.push_back(path.empty() ? "." : path);
  }

  // It went, or became something else, since it was listed: it is not in the copy either.
  Result<> drop(std::size_t index) {
    is_dropped_[index] = 1;
    note_torn(sources_[index].path);
    return remove_below(*copy_, sources_[index].path);
  }

  Result<> link_names() {
    for (const std::size_t index : plan_.linked) {
      const std::size_t first = plan_.entries[index].first;
      if (is_dropped_[first] != 0) {
        TRY(drop(index));
        continue;
      }
      const std::string& path = sources_[index].path;
      const std::string& first_path = sources_[first].path;
      const Fd from = TRY(copy_->folder(folder_part(first_path)));
      const Fd to = TRY(copy_->folder(folder_part(path)));
      const std::string name = name_part(path);
      if (::unlinkat(to.get(), name.c_str(), 0) != 0 && errno != ENOENT)
        return error_of(errno, "remove", copy_->whole(path));
      if (::linkat(from.get(), name_part(first_path).c_str(), to.get(), name.c_str(), 0) != 0)
        return error_of(errno, "link", copy_->whole(path));
      next_.entries[index] = next_.entries[first];
      next_.entries[index].source.path = path;
      next_.entries[index].first_name = first_path;
    }
    // Each name that was added changed the time of the file.
    for (const std::size_t index : plan_.linked)
      if (const std::size_t first = plan_.entries[index].first; is_dropped_[first] == 0) {
        const std::string& path = sources_[index].path;
        const Fd folder = TRY(copy_->folder(folder_part(path)));
        const TreeEntry copy = TRY(look_at(Spot{folder, name_part(path), copy_->whole(path)}));
        note_copy(next_.entries[index], copy);
        note_copy(next_.entries[first], copy);
      }
    return ok();
  }

  // From the innermost out: what is made in a folder changes its time, and its mode may forbid it.
  Result<> finish_folders() {
    for (auto at = plan_.folders.rbegin(); at != plan_.folders.rend(); ++at) {
      CatalogueEntry& entry = next_.entries[*at];
      const std::string& path = sources_[*at].path;
      auto from = source_.folder(path);
      if (!from &&
          (from.error().kind == ErrorKind::not_found || from.error().kind == ErrorKind::conflict)) {
        TRY(drop(*at));
        continue;
      }
      if (!from)
        return std::move(from).error();
      const Fd to = TRY(copy_->folder(path));
      entry.attributes =
          TRY(copy_folder_metadata(sources_[*at], from.value(), to, copy_->whole(path), *run_));
      note_copy(entry, TRY(look_at(to, copy_->whole(path))));
    }
    return ok();
  }

  Result<> look_again() {
    return options_.is_source_at_rest ? look_at_all_again() : look_at_young_again();
  }

  // Entry by entry beside what was captured.
  Result<> look_at_all_again() {
    const auto now = TRY(walk_tree(source_, options_.exclude));
    auto at = now.begin();
    for (const CatalogueEntry& entry : next_.entries) {
      const TreeEntry& then = entry.source;
      for (; at != now.end() && at->path < then.path; ++at)
        note_torn(at->path);
      if (at == now.end() || at->path != then.path || !is_same_source(*at, then))
        note_torn(then.path);
      if (at != now.end() && at->path == then.path)
        ++at;
    }
    for (; at != now.end(); ++at)
      note_torn(at->path);
    return ok();
  }

  // A name that came or went while we copied changed the time of its folder. A file that was as
  // young as its clock is coarse when it was read must be as it was.
  Result<> look_at_young_again() {
    return in_parallel(sources_.size(), [this](std::size_t index) -> Result<> {
      const CatalogueEntry& entry = next_.entries[index];
      const bool is_copied = !plan_.entries[index].is_kept && entry.is_fresh;
      if (is_dropped_[index] != 0 || !(sources_[index].is_folder() || is_copied))
        return ok();
      const std::string& path = sources_[index].path;
      auto folder = source_.folder(is_copied ? folder_part(path) : path);
      auto look = !folder     ? Result<TreeEntry>{folder.error()}
                  : is_copied ? look_at(Spot{folder.value(), name_part(path), path})
                              : look_at(folder.value(), path);
      if (!look || is_changed(look.value(), entry.source))
        note_torn(path);
      return ok();
    });
  }

  void drop_what_went() {
    std::vector<CatalogueEntry> left;
    left.reserve(next_.entries.size());
    for (std::size_t index = 0; index < sources_.size(); ++index)
      if (is_dropped_[index] == 0)
        left.push_back(std::move(next_.entries[index]));
    next_.entries = std::move(left);
    std::ranges::sort(torn_);
    torn_.erase(std::unique(torn_.begin(), torn_.end()), torn_.end());
  }

  Result<> sync_one(std::size_t index) {
    const std::string& path = sources_[index].path;
    if (is_dropped_[index] != 0)
      return ok();
    const Fd folder = TRY(copy_->folder(sources_[index].is_folder() ? path : folder_part(path)));
    if (sources_[index].is_folder())
      return sync_file(folder, copy_->whole(path));
    if (!sources_[index].is_file())
      return ok(); // its name is all there is of it
    const Spot spot{folder, name_part(path), copy_->whole(path)};
    return sync_file(TRY(open_for_read(spot)), spot.whole);
  }

  // The catalogue gets its name when all that it names is on the disk.
  Result<> make_durable() {
    std::vector<std::size_t> changed = plan_.folders;
    for (const Batch& batch : plan_.batches)
      changed.insert(changed.end(), batch.entries.begin(), batch.entries.end());
    if (changed.size() > single_syncs_max)
      return make_durable_at_once();
    for (const std::size_t index : changed)
      TRY(sync_one(index));
    TRY(sync_folder(base::parent_of(copy_path_)));
    return write_catalogue(catalogue_path_, next_);
  }

  // One call instead of one for each file; the catalogue, not yet under its name, goes with them.
  Result<> make_durable_at_once() {
    Fd catalogue = TRY(begin_catalogue(catalogue_path_, next_));
    const auto sync_or_digest = [&](std::size_t part) -> Result<> {
      if (part == 1)
        digest_ = digest_of(next_);
      // By the descriptor from before the first write: else an error in between is not reported.
      else if (::syncfs(copy_->fd().get()) != 0)
        return error_of(errno, "sync the file system of", copy_path_);
      return ok();
    };
    TRY(in_parallel(2, sync_or_digest)); // while the disk writes there is time
    TRY(catalogue.close(catalogue_path_));
    return name_catalogue(catalogue_path_);
  }

  world::Capture conclude(const Catalogue& catalogue) {
    world::Capture capture;
    capture.digest = digest_.empty() ? digest_of(catalogue) : digest_;
    for (const CatalogueEntry& entry : catalogue.entries) {
      capture.size.files += entry.source.path.empty() ? 0 : 1;
      capture.size.bytes += entry.first_name.empty() ? entry.source.allocated_bytes : 0;
    }
    for (const Batch& batch : plan_.batches)
      capture.copied.files += batch.entries.size();
    capture.copied.files += plan_.linked.size();
    capture.torn = torn_;
    if (run_) {
      capture.copied.bytes = run_->written_bytes();
      capture.was_reflinked = run_->was_reflinked;
      capture.not_kept = run_->not_kept();
    }
    return capture;
  }

  TreeRoot source_;
  std::string copy_path_;
  std::string catalogue_path_;
  const world::CaptureOptions& options_;
  std::vector<TreeEntry> sources_;
  std::vector<TreeEntry> copies_;
  Catalogue old_;
  bool is_old_current_ = false; // it has its own name: nothing was changed since it was written
  TreePlan plan_;
  std::optional<TreeRoot> copy_;
  std::optional<CopyRun> run_;
  Catalogue next_;
  std::string digest_;           // of it
  std::vector<char> is_dropped_; // not bool: written by several threads
  std::mutex mutex_;
  std::vector<std::string> torn_;
};

} // namespace

std::string retracted_name(const std::string& catalogue) {
  return catalogue + ".part";
}

Result<world::Capture> capture_tree(const std::string& source, const std::string& copy,
                                    const std::string& catalogue,
                                    const world::CaptureOptions& options) {
  return CaptureRun{TRY(TreeRoot::open(source)), copy, catalogue, options}.run();
}

Result<> copy_tree(const std::string& from, const std::string& to) {
  struct stat info {};
  if (::lstat(to.c_str(), &info) == 0)
    return Error{ErrorKind::conflict, "'" + to + "' exists", ""};
  const world::CaptureOptions options;
  return CaptureRun{TRY(TreeRoot::open(from)), to, "", options}.run_once();
}

} // namespace os
