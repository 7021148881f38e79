#include "base/text.hpp"
#include "repo/restore_run.hpp"

#include <algorithm>

namespace repo {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using format::Node;
using world::Entry;
using world::EntryType;

namespace {

// Labels of a security module follow the place: one that the snapshot has not is no difference.
std::vector<std::pair<std::string, std::string>> attributes_of(const Entry& entry,
                                                               const Entry& wanted) {
  auto attributes = entry.attributes;
  std::erase_if(attributes, [&](const auto& each) {
    return each.first.starts_with("security.") && each.first != "security.capability" &&
           std::ranges::none_of(wanted.attributes,
                                [&](const auto& other) { return other.first == each.first; });
  });
  std::ranges::sort(attributes);
  return attributes;
}

} // namespace

bool is_same_entry(const Entry& wanted, const Entry& live) {
  const bool is_node =
      wanted.type == EntryType::block_device || wanted.type == EntryType::char_device;
  return wanted.type == live.type && wanted.user == live.user && wanted.group == live.group &&
         (wanted.type == EntryType::link ? wanted.target == live.target
                                         : wanted.mode == live.mode) &&
         (wanted.type != EntryType::file || wanted.size_bytes == live.size_bytes) &&
         (!is_node || wanted.special == live.special) && wanted.mtime == live.mtime &&
         attributes_of(wanted, wanted) == attributes_of(live, wanted);
}

std::string RestoreRun::path_in_snapshot(const std::vector<std::string>& names,
                                         const std::string& name) const {
  std::string path = options_.below == "/" ? "" : options_.below;
  for (const std::string& each : names)
    path += "/" + each;
  return path + "/" + name;
}

Result<RestoreRun::LiveEntries> RestoreRun::live_in(OpenFolder& folder) {
  LiveEntries live;
  if (!folder.live)
    return live;
  for (Entry& entry : TRY(folder.folder->list())) {
    const std::string name = entry.name;
    live.emplace(name, std::move(entry));
  }
  return live;
}

Result<> RestoreRun::remove_extra(OpenFolder& folder, const std::vector<Node>& nodes,
                                  LiveEntries& live) {
  if (!options_.in_place || !options_.in_place->is_extra_removed)
    return ok();
  std::set<std::string_view> wanted;
  for (const Node& node : nodes)
    wanted.insert(node.name);
  for (const auto& [name, entry] : live) {
    if (wanted.contains(name))
      continue;
    TRY(note_());
    if (TRY(remove_below(*folder.folder, entry, path_in_snapshot(folder.names, name))))
      folder.is_changed = true;
  }
  return ok();
}

// Takes away a name and all that is below it, but for what is excluded. True when it is gone.
Result<bool> RestoreRun::remove_below(world::Folder& folder, const Entry& entry,
                                      const std::string& path) {
  if (excludes_.matches(path))
    return false;
  if (entry.type == EntryType::folder && !options_.in_place->exclude.empty()) {
    const auto below =
        TRY(is_dry_run() ? folder.open_folder(entry.name) : folder.change_folder(entry.name));
    bool is_all_gone = true;
    for (const Entry& each : TRY(below->list()))
      is_all_gone = TRY(remove_below(*below, each, path + "/" + each.name)) && is_all_gone;
    if (!is_all_gone)
      return false;
  }
  if (!is_dry_run())
    TRY(folder.remove(entry.name));
  ++removed_;
  const std::string below = options_.below == "/" ? path : path.substr(options_.below.size());
  tell(InPlace::Change::remove, below);
  return true;
}

// Makes room for what the snapshot has there instead.
Result<> RestoreRun::clear(OpenFolder& into, const Entry& live) {
  into.is_changed = true;
  if (live.type != EntryType::folder) // what comes in its place is told
    return is_dry_run() ? Result<>{} : into.folder->remove(live.name);
  const std::string path = path_in_snapshot(into.names, live.name);
  const bool is_empty = TRY(TRY(into.folder->open_folder(live.name))->list()).empty();
  const bool may_go = is_empty || options_.in_place->is_extra_removed;
  if (may_go && TRY(remove_below(*into.folder, live, path)))
    return ok();
  return Error{ErrorKind::conflict,
               "'" + path + "' is no folder in the snapshot, and a folder that is not empty in '" +
                   options_.target + "'",
               may_go ? "What is excluded is in it." : "Move it away, or restore with --delete."};
}

bool RestoreRun::is_time_enough(const Node& node, const Entry& live) const {
  return options_.in_place->is_time_trusted && live.size_bytes == node.size &&
         live.mtime == world::Moment{node.mtime.seconds, node.mtime.nanoseconds};
}

// A file with further names is never written to: they may lie outside the target, or be other files
// in the snapshot. It stays when it is what it has to be, and nothing else claims it.
Result<bool> RestoreRun::is_kept_whole(OpenFile& file, const Entry& live) {
  const InodeKey key{live.device, live.inode};
  if (file.node.links < live.links || kept_.contains(key) ||
      !is_same_entry(entry_of(file.node), live))
    return false;
  const auto old = TRY(file.folder->folder->open_file(file.node.name));
  if (!TRY(has_same_content(file, *old, live)))
    return false;
  kept_.insert(key);
  first_names_.at({file.node.device_id, file.node.inode}).kept = key;
  return true;
}

Result<bool> RestoreRun::has_same_content(OpenFile& file, world::SourceFile& old,
                                          const Entry& live) {
  if (is_time_enough(file.node, live))
    return true;
  std::vector<Comparer::Blob> blobs;
  for (std::size_t at = 0; at < file.node.content.size(); ++at) {
    const format::Id& id = file.node.content[at];
    const auto place = *repository_.index().find(id, format::BlobType::data);
    blobs.push_back(
        {file.offsets[at], static_cast<std::uint32_t>(place.blob.plain_bytes()), id, false});
  }
  TRY(walker_.compare(old, blobs));
  return std::ranges::all_of(blobs, &Comparer::Blob::is_same);
}

} // namespace repo
