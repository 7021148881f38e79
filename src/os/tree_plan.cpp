#include "os/tree_plan.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace os {

namespace {

constexpr std::size_t batch_entries_max = 64;
constexpr std::uint64_t batch_bytes_max = 4U << 20U;
constexpr std::uint64_t large_bytes = 64U << 20U;

class Planner {
public:
  Planner(const std::vector<TreeEntry>& sources, const std::vector<TreeEntry>& copies,
          const Catalogue& old)
      : sources_{sources}, copies_{copies}, old_{old} {}

  TreePlan run() {
    match();
    group_names();
    touch_folders();
    collect();
    return std::move(plan_);
  }

private:
  // The three lists side by side.
  void match() {
    plan_.entries.resize(sources_.size());
    auto copy = copies_.begin();
    auto old = old_.entries.begin();
    for (std::size_t index = 0; index < sources_.size(); ++index) {
      const TreeEntry& source = sources_[index];
      PlannedEntry& entry = plan_.entries[index];
      entry.first = index;
      for (; copy != copies_.end() && copy->path < source.path; ++copy)
        add_gone(copy->path);
      while (old != old_.entries.end() && old->source.path < source.path)
        ++old;
      if (old != old_.entries.end() && old->source.path == source.path)
        entry.old = &*old;
      if (copy == copies_.end() || copy->path != source.path)
        continue;
      if (copy->is_same_kind(source))
        entry.copy = &*copy;
      else
        add_gone(copy->path);
      ++copy;
      entry.is_kept = is_kept(source, entry);
    }
    for (; copy != copies_.end(); ++copy)
      add_gone(copy->path);
  }

  static bool is_kept(const TreeEntry& source, const PlannedEntry& entry) {
    return entry.old != nullptr && entry.copy != nullptr && !entry.old->is_fresh &&
           (entry.old->is_verified || !source.is_file()) &&
           is_same_source(source, entry.old->source) &&
           entry.copy->inode == entry.old->copy_inode &&
           entry.copy->ctime_ns == entry.old->copy_ctime_ns;
  }

  void add_gone(const std::string& path) { plan_.gone.push_back(path); }

  // Names of one file stay names of one file: when one of them is new, all are made anew.
  void group_names() {
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<std::size_t>> groups;
    for (std::size_t index = 0; index < sources_.size(); ++index)
      if (sources_[index].is_file() && sources_[index].links > 1)
        groups[{sources_[index].device, sources_[index].inode}].push_back(index);
    for (const auto& [file, names] : groups) {
      const std::size_t first = names.front();
      const bool are_kept = std::ranges::all_of(names, [&](std::size_t index) {
        const PlannedEntry& entry = plan_.entries[index];
        return entry.is_kept && entry.copy->inode == plan_.entries[first].copy->inode &&
               entry.old->first_name == (index == first ? "" : sources_[first].path);
      });
      for (const std::size_t index : names) {
        plan_.entries[index].first = first;
        plan_.entries[index].is_kept = are_kept;
      }
    }
  }

  void touch(const std::string& folder) {
    // Where the folder itself goes there is none to touch.
    if (const std::size_t index = index_of(sources_, folder); index < sources_.size())
      plan_.entries[index].is_touched = true;
  }

  void touch_folders() {
    for (std::size_t index = 0; index < sources_.size(); ++index)
      if (!plan_.entries[index].is_kept) {
        plan_.entries[index].is_touched = true;
        // What is there already and only gets other metadata leaves its folder as it is.
        if (!sources_[index].path.empty() &&
            !(sources_[index].is_folder() && plan_.entries[index].copy != nullptr))
          touch(folder_part(sources_[index].path));
      }
    for (const std::string& path : plan_.gone)
      touch(folder_part(path));
  }

  void collect() {
    std::unordered_map<std::string, Batch> open;
    for (std::size_t index = 0; index < sources_.size(); ++index) {
      const TreeEntry& source = sources_[index];
      const PlannedEntry& entry = plan_.entries[index];
      if (source.is_folder()) {
        if (entry.is_touched)
          plan_.folders.push_back(index);
        continue;
      }
      if (entry.is_kept)
        continue;
      if (entry.first != index) {
        plan_.linked.push_back(index);
        continue;
      }
      plan_.bytes += source.size;
      Batch& batch = open[folder_part(source.path)];
      batch.folder = folder_part(source.path);
      batch.entries.push_back(index);
      batch.bytes += source.size;
      if (batch.entries.size() >= batch_entries_max || batch.bytes >= batch_bytes_max)
        plan_.batches.push_back(std::exchange(batch, Batch{}));
    }
    for (auto& [folder, batch] : open)
      if (!batch.entries.empty())
        plan_.batches.push_back(std::move(batch));
    // The large ones first, so that no thread is left alone with one at the end; the small ones in
    // the order of the disk, as far as names tell.
    std::ranges::sort(plan_.batches, [](const Batch& a, const Batch& b) {
      const std::uint64_t large_a = a.bytes / large_bytes;
      const std::uint64_t large_b = b.bytes / large_bytes;
      return large_a != large_b ? large_a > large_b : a.entries.front() < b.entries.front();
    });
  }

  const std::vector<TreeEntry>& sources_;
  const std::vector<TreeEntry>& copies_;
  const Catalogue& old_;
  TreePlan plan_;
};

} // namespace

bool is_same_source(const TreeEntry& now, const TreeEntry& then) {
  return now.mode == then.mode && now.user == then.user && now.group == then.group &&
         now.size == then.size && now.mtime_ns == then.mtime_ns && now.ctime_ns == then.ctime_ns &&
         now.inode == then.inode && now.device == then.device && now.target == then.target;
}

TreePlan make_plan(const std::vector<TreeEntry>& sources, const std::vector<TreeEntry>& copies,
                   const Catalogue& old) {
  return Planner{sources, copies, old}.run();
}

std::size_t index_of(const std::vector<TreeEntry>& entries, const std::string& path) {
  const auto at = std::ranges::lower_bound(entries, path, {}, &TreeEntry::path);
  return at != entries.end() && at->path == path ? static_cast<std::size_t>(at - entries.begin())
                                                 : entries.size();
}

} // namespace os
