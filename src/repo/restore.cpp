#include "repo/restore.hpp"

#include "base/text.hpp"
#include "repo/restore_run.hpp"

#include <algorithm>
#include <thread>

namespace repo {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using format::BlobType;
using format::Id;
using format::Node;
using format::NodeType;
using world::Entry;
using world::EntryType;
using DirectChange = InPlace::Change;

namespace {

constexpr std::size_t part_blobs = 8; // of one file, for one thread
constexpr std::size_t batch_parts_max = 16;
constexpr std::uint64_t files_bytes_max = 1U << 20U;

std::string path_of(const OpenFolder& folder, const std::string& name) {
  return "/" + base::join(folder.names, "/") + (folder.names.empty() ? "" : "/") + name;
}

} // namespace

Entry entry_of(const Node& node) {
  Entry entry;
  entry.name = node.name;
  switch (node.type) {
  case NodeType::folder: entry.type = EntryType::folder; break;
  case NodeType::link: entry.type = EntryType::link; break;
  case NodeType::block_device: entry.type = EntryType::block_device; break;
  case NodeType::char_device: entry.type = EntryType::char_device; break;
  case NodeType::fifo: entry.type = EntryType::fifo; break;
  case NodeType::socket: entry.type = EntryType::socket; break;
  default: break;
  }
  entry.mode = node.mode;
  entry.user = node.uid;
  entry.group = node.gid;
  entry.size_bytes = node.size;
  entry.special = node.device;
  entry.mtime = {node.mtime.seconds, node.mtime.nanoseconds};
  entry.atime = {node.atime.seconds, node.atime.nanoseconds};
  entry.target = node.target;
  for (const format::Attribute& attribute : node.attributes)
    entry.attributes.emplace_back(attribute.name, attribute.value);
  return entry;
}

Result<RestoreReport> RestoreRun::run(Lock& lock, const format::Snapshot& snapshot,
                                      const std::function<void(const RestoreReport&)>& progress) {
  const MemoryPlan plan = TRY(repository_.plan(need_of_restore, options_.threads));
  const Id tree = TRY(tree_at(trees_, snapshot, options_.below));
  if (options_.in_place)
    excludes_ = TRY(Excludes::of(options_.in_place->exclude));
  const auto root = TRY(open_target(snapshot));
  Crew crew{plan.threads};
  std::vector<std::jthread> threads;
  for (std::size_t thread = 0; thread < plan.threads; ++thread)
    threads.emplace_back([this, &crew] {
      if (auto done = work(); !done)
        fail(std::move(done).error());
      crew.leave();
    });
  note_ = [&]() -> Result<> {
    TRY(lock.keep());
    if (repository_.ports().clock.stop_requested())
      return Error{ErrorKind::interrupted, "asked to stop: the target holds a part", ""};
    if (progress)
      progress(report());
    return ok();
  };
  if (auto walked = visit(root, tree); !walked)
    fail(std::move(walked).error());
  push_batch();
  parts_.close();
  crew.wait([this] { note_or_fail(); });
  threads.clear();
  if (failure_)
    return *std::move(failure_);
  if (!is_dry_run())
    TRY(folders_.sync(options_.target));
  return report();
}

Result<RestoreRun::FolderPtr> RestoreRun::open_target(const format::Snapshot& snapshot) {
  const auto root = std::make_shared<OpenFolder>();
  root->entry = TRY(entry_of_root(snapshot));
  if (!options_.in_place) {
    root->folder = TRY(folders_.open_empty(options_.target));
    return root;
  }
  if (!is_dry_run()) {
    root->folder = TRY(folders_.open_or_make(options_.target));
  } else {
    auto there = folders_.open(options_.target);
    if (!there && there.error().kind == ErrorKind::not_found)
      return root;
    root->folder = TRY(std::move(there));
  }
  root->live = TRY(root->folder->now());
  return root;
}

// The folder that is restored by itself has metadata; the root of a snapshot has none.
Result<std::optional<Entry>> RestoreRun::entry_of_root(const format::Snapshot& snapshot) {
  std::optional<Entry> entry;
  if (options_.below == "/")
    return entry;
  const Id tree = TRY(tree_at(trees_, snapshot, base::parent_of(options_.below)));
  for (const Node& node : TRY(read_tree(trees_, tree)))
    if (node.name == base::name_of_path(options_.below))
      entry = entry_of(node);
  return entry;
}

RestoreReport RestoreRun::report() const {
  return {files_, opened_, others_, bytes_, unchanged_, removed_, compared_};
}

void RestoreRun::fail(Error error) {
  const std::scoped_lock guard{mutex_};
  if (!failure_)
    failure_ = std::move(error);
  is_over_ = true;
  parts_.drop();
}

void RestoreRun::note_or_fail() {
  if (auto noted = note_(); !noted)
    fail(std::move(noted).error());
}

void RestoreRun::tell(DirectChange change, const std::string& path) {
  if (!options_.in_place || !options_.in_place->tell)
    return;
  const std::scoped_lock guard{mutex_};
  options_.in_place->tell(change, path);
}

Result<> RestoreRun::visit(const FolderPtr& into, const Id& tree) {
  std::vector<Node> nodes = TRY(read_tree(trees_, tree));
  LiveEntries live = TRY(live_in(*into));
  TRY(remove_extra(*into, nodes, live));
  for (Node& node : nodes) {
    if (is_over_)
      return ok();
    if (++seen_ % 256 == 0)
      TRY(note_());
    if (node.type == NodeType::socket || node.type == NodeType::other)
      continue; // what is there stays
    if (options_.in_place && excludes_.matches(path_in_snapshot(into->names, node.name)))
      continue;
    const auto there = live.find(node.name);
    TRY(visit_node(into, std::move(node), there == live.end() ? nullptr : &there->second));
  }
  return done_in(into);
}

Result<> RestoreRun::visit_node(const FolderPtr& into, Node node, const Entry* live) {
  const EntryType wanted = entry_of(node).type;
  if (live != nullptr && live->type != wanted) {
    TRY(clear(*into, *live));
    live = nullptr;
  }
  if (node.type == NodeType::folder)
    return make_folder(into, node, live);
  if (TRY(is_further_name(*into, node, live)))
    return ok();
  if (node.type == NodeType::file)
    return make_file(into, std::move(node), live);
  return make_other(*into, node, live);
}

Result<> RestoreRun::make_folder(const FolderPtr& into, const Node& node, const Entry* live) {
  const auto below = std::make_shared<OpenFolder>();
  if (live != nullptr)
    below->folder = TRY(is_dry_run() ? into->folder->open_folder(node.name)
                                     : into->folder->change_folder(node.name));
  else if (!is_dry_run())
    below->folder = TRY(into->folder->make_folder(node.name));
  if (live != nullptr)
    below->live = *live;
  else
    into->is_changed = true;
  below->parent = into;
  below->entry = entry_of(node);
  below->names = into->names;
  below->names.push_back(node.name);
  ++into->pending;
  ++opened_;
  return visit(below, *node.subtree);
}

Result<> RestoreRun::make_other(OpenFolder& into, const Node& node, const Entry* live) {
  ++others_;
  const Entry entry = entry_of(node);
  const bool is_alone = live != nullptr && live->links <= std::max<std::uint64_t>(node.links, 1);
  if (is_alone && is_same_entry(entry, *live)) {
    ++unchanged_;
    return ok();
  }
  if (live != nullptr)
    TRY(clear(into, *live));
  tell(live != nullptr ? DirectChange::change : DirectChange::make, path_of(into, node.name));
  into.is_changed = true;
  return is_dry_run() ? Result<>{} : into.folder->make_other(entry);
}

// True when the file was made already, and has got this name too.
Result<bool> RestoreRun::is_further_name(OpenFolder& into, const Node& node, const Entry* live) {
  if (node.links < 2 || node.inode == 0)
    return false;
  auto names = into.names;
  names.push_back(node.name);
  const auto [at, is_first] =
      first_names_.emplace(InodeKey{node.device_id, node.inode}, FirstName{names, {}});
  if (is_first)
    return false;
  const FirstName& first = at->second;
  if (live != nullptr && first.kept == InodeKey{live->device, live->inode}) {
    ++unchanged_;
    return true;
  }
  if (live != nullptr)
    TRY(clear(into, *live));
  tell(live != nullptr ? DirectChange::change : DirectChange::make, path_of(into, node.name));
  into.is_changed = true;
  if (is_dry_run())
    return true;
  const auto folder = TRY(open_below_target(first.names));
  TRY(into.folder->make_hard_link(node.name, *folder, first.names.back()));
  return true;
}

// The folder of a name that was made before.
Result<std::unique_ptr<world::Folder>>
RestoreRun::open_below_target(const std::vector<std::string>& names) {
  auto folder = TRY(folders_.open(options_.target));
  for (std::size_t at = 0; at + 1 < names.size(); ++at)
    folder = TRY(folder->open_folder(names[at]));
  return folder;
}

Result<> RestoreRun::make_file(const FolderPtr& into, Node node, const Entry* live) {
  const auto made = std::make_shared<OpenFile>();
  made->path = path_of(*into, node.name);
  made->folder = into;
  made->node = std::move(node);
  TRY(place_blobs(*made));
  if (live != nullptr && live->links > 1) {
    if (TRY(is_kept_whole(*made, *live))) {
      ++files_;
      ++unchanged_;
      return ok();
    }
    TRY(clear(*into, *live));
    live = nullptr;
  }
  TRY(open_file(*made, live));
  ++into->pending;
  const bool is_known = made->live && is_time_enough(made->node, *made->live);
  const std::size_t count = is_known ? 0 : made->node.content.size();
  for (std::size_t begin = 0; begin < count && !is_over_; begin += part_blobs) {
    ++made->pending;
    push({made, begin, std::min(begin + part_blobs, count)});
  }
  return done_with(*made);
}

// Small files go to the threads several at a time: their blobs mostly lie together in a pack.
void RestoreRun::push(Part part) {
  batch_bytes_ += part.file->node.size / std::max<std::size_t>(part.file->node.content.size(), 1) *
                  (part.end - part.begin);
  batch_.push_back(std::move(part));
  if (batch_.size() >= batch_parts_max || batch_bytes_ >= files_bytes_max)
    push_batch();
}

void RestoreRun::push_batch() {
  batch_bytes_ = 0;
  if (!batch_.empty())
    // false: it is all over
    parts_.push_while(std::exchange(batch_, {}), [this] { note_or_fail(); });
}

Result<> RestoreRun::place_blobs(OpenFile& file) {
  std::uint64_t offset = 0;
  for (const Id& id : file.node.content) {
    file.offsets.push_back(offset);
    const auto place = repository_.index().find(id, BlobType::data);
    if (!place)
      return Error{ErrorKind::corrupt,
                   "'" + file.path + "': data blob " + short_id(id) + " is in no index file", ""};
    offset += place->blob.plain_bytes();
  }
  file.node.size = offset;
  return ok();
}

Result<> RestoreRun::open_file(OpenFile& made, const Entry* live) {
  OpenFolder& into = *made.folder;
  if (live == nullptr) {
    into.is_changed = true;
    made.is_changed = true;
    if (!is_dry_run())
      made.file = TRY(into.folder->make_file(made.node.name));
    return ok();
  }
  made.live = *live;
  if (is_dry_run()) {
    made.old = TRY(into.folder->open_file(made.node.name));
    return ok();
  }
  made.both = TRY(into.folder->change_file(made.node.name));
  made.old = made.both;
  made.file = made.both;
  return ok();
}

Result<> RestoreRun::done_in(FolderPtr folder) {
  while (folder && --folder->pending == 0) {
    const bool is_as_it_was = folder->live && !folder->is_changed &&
                              (!folder->entry || is_same_entry(*folder->entry, *folder->live));
    if (is_as_it_was && folder->parent)
      ++unchanged_;
    if (!is_as_it_was && folder->entry) {
      tell(folder->live ? DirectChange::change : DirectChange::make,
           "/" + base::join(folder->names, "/"));
      if (!is_dry_run())
        TRY(folder->folder->finish(*folder->entry));
    }
    folder->folder.reset();
    folder = FolderPtr{folder->parent};
  }
  return ok();
}

Result<RestoreReport> restore(Repository& repository, Lock& lock, world::Folders& folders,
                              const format::Snapshot& snapshot, const RestoreOptions& options,
                              const std::function<void(const RestoreReport&)>& progress) {
  return RestoreRun{repository, folders, options}.run(lock, snapshot, progress);
}

} // namespace repo
