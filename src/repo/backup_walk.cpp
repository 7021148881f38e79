#include "base/text.hpp"
#include "repo/lookahead.hpp"

#include <algorithm>
#include <map>
#include <span>

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

namespace {

NodeType type_of(EntryType type) {
  switch (type) {
  case EntryType::file: return NodeType::file;
  case EntryType::folder: return NodeType::folder;
  case EntryType::link: return NodeType::link;
  case EntryType::block_device: return NodeType::block_device;
  case EntryType::char_device: return NodeType::char_device;
  case EntryType::fifo: return NodeType::fifo;
  case EntryType::socket: return NodeType::socket;
  }
  return NodeType::other;
}

format::Time time_of(const world::Moment& moment) {
  return {moment.seconds, moment.nanoseconds};
}

// What is asked for, as a tree of names: the folders on the way hold only what is named in them.
struct WantedEntry {
  std::map<std::string, WantedEntry> below;
  bool is_whole = false;
  const Placed* placed = nullptr;
};

WantedEntry wanted_of(const std::vector<std::string>& paths) {
  WantedEntry root;
  for (const std::string& path : paths) {
    WantedEntry* at = &root;
    for (const std::string& part : base::split(path, '/'))
      if (!part.empty() && !at->is_whole)
        at = &at->below[part];
    at->is_whole = true;
    at->below.clear();
  }
  return root;
}

WantedEntry wanted_of(const std::vector<Placed>& placed) {
  WantedEntry root;
  for (const Placed& each : placed) {
    WantedEntry* at = &root;
    for (const std::string& part : base::split(each.at, '/'))
      if (!part.empty())
        at = &at->below[part];
    CHECK(at->placed == nullptr && at->below.empty() && at != &root);
    at->placed = &each;
  }
  return root;
}

constexpr std::size_t given_piece_bytes = 1U << 20U; // of content that is given

class Walk {
public:
  explicit Walk(BackupRun& run) : run_{run}, trees_{run.repository} {}

  Result<> begin(const std::optional<Id>& previous_root) {
    TRY(begin_at_root(previous_root));
    push_batch();
    return ok();
  }

private:
  Result<> begin_at_root(const std::optional<Id>& previous_root) {
    const auto root = std::make_shared<Dir>();
    root->path = "/";
    root->previous = previous_root;
    if (!run_.options.placed.empty())
      return visit_placed(root, wanted_of(run_.options.placed));
    return visit_wanted(root, wanted_of(run_.options.paths));
  }

  // Small files go to the threads several at a time: to wake one costs as much as to read a file.
  void batch(FileJob job) {
    batch_bytes_ += job.entry.size_bytes;
    batch_.push_back(std::move(job));
    if (batch_.size() >= batch_files_max || batch_bytes_ >= batch_bytes_max)
      push_batch();
  }
  void push_batch() {
    batch_bytes_ = 0;
    if (!batch_.empty())
      run_.jobs.push({std::exchange(batch_, {}), std::nullopt});
  }

  // A folder on the way to what is wanted, and what is wanted.
  Result<> visit_wanted(const std::shared_ptr<Dir>& dir, const WantedEntry& wanted) {
    dir->folder = TRY(run_.folders.open(dir->path));
    device_ = TRY(dir->folder->now()).device;
    if (wanted.is_whole)
      return visit(dir, TRY(dir->folder->list()));
    const auto previous = previous_nodes(*dir);
    std::vector<Entry> entries;
    for (const auto& [name, below] : wanted.below)
      entries.push_back(TRY(run_.folders.look(whole(*dir, name))));
    make_room(*dir, entries.size(), previous.size());
    std::size_t place = 0;
    for (const auto& [name, below] : wanted.below) {
      Entry entry = std::move(entries[place]);
      entry.name = name;
      device_ = entry.device;
      if (entry.type != EntryType::folder && !below.is_whole)
        return Error{ErrorKind::conflict, "'" + whole(*dir, name) + "' is no folder", ""};
      if (entry.type == EntryType::folder)
        TRY(visit_wanted(begin_folder(dir, place, entry, find(previous, name)), below));
      else
        TRY(take(dir, place, std::move(entry), find(previous, name)));
      ++place;
    }
    run_.done_in(dir);
    return ok();
  }

  // A folder that is nowhere but in the snapshot, and what stands in it.
  Result<> visit_placed(const std::shared_ptr<Dir>& dir, const WantedEntry& wanted) {
    const auto previous = previous_nodes(*dir);
    make_room(*dir, wanted.below.size(), previous.size());
    std::size_t place = 0;
    for (const auto& [name, below] : wanted.below) {
      const Node* before = find(previous, name);
      if (below.placed != nullptr)
        TRY(take_placed(dir, place, name, *below.placed, before));
      else
        TRY(visit_placed(begin_folder(dir, place, made_up(name), before), below));
      ++place;
    }
    run_.done_in(dir);
    return ok();
  }

  Entry made_up(const std::string& name) {
    const world::Identity self = run_.repository.ports().machine.identity();
    Entry entry{.name = name, .type = EntryType::folder, .mode = 0700};
    entry.user = self.uid;
    entry.group = self.gid;
    return entry;
  }

  Result<> take_placed(const std::shared_ptr<Dir>& dir, std::size_t place, const std::string& name,
                       const Placed& placed, const Node* previous) {
    if (placed.path.empty()) {
      take_bytes(dir, place, name, placed);
      return ok();
    }
    Entry entry = TRY(run_.folders.look(placed.path));
    entry.name = name;
    device_ = entry.device;
    if (entry.type == EntryType::folder) {
      const auto below = begin_folder(dir, place, entry, previous);
      below->folder = TRY(run_.folders.open(placed.path));
      return visit(below, TRY(below->folder->list()));
    }
    if (entry.type != EntryType::file || base::name_of_path(placed.path) != name)
      return Error{ErrorKind::conflict, "'" + placed.path + "' is no plain file or folder", ""};
    auto folder = TRY(run_.folders.open(base::parent_of(placed.path)));
    return take(dir, place, std::move(entry), previous, std::move(folder));
  }

  void take_bytes(const std::shared_ptr<Dir>& dir, std::size_t place, const std::string& name,
                  const Placed& placed) {
    const std::string& bytes = placed.bytes;
    dir->is_as_before = false;
    Entry entry = placed.entry;
    entry.name = name;
    entry.size_bytes = bytes.size();
    entry.links = 1;
    dir->nodes[place] = node_of(entry, run_.repository.ports().machine, run_.options.has_atime);
    ++run_.files_new;
    ++run_.files_done;
    run_.bytes_done += bytes.size();
    if (bytes.empty())
      return;
    const auto reading = std::make_shared<Reading>();
    reading->dir = dir;
    reading->place = place;
    reading->pending = (bytes.size() + given_piece_bytes - 1) / given_piece_bytes;
    ++dir->pending;
    for (std::size_t at = 0; at < bytes.size(); at += given_piece_bytes) {
      const std::string_view piece = std::string_view{bytes}.substr(at, given_piece_bytes);
      auto memory = run_.memory.take();
      std::ranges::copy(piece, memory.bytes.get());
      ChunkJob job{reading, {}, 1};
      job.chunks.front() = Chunk{at / given_piece_bytes, std::move(memory), piece.size()};
      run_.jobs.push({{}, std::move(job)});
    }
  }

  Result<> visit(const std::shared_ptr<Dir>& dir, std::vector<Entry> entries) {
    if (run_.is_over())
      return ok();
    const bool is_cache = run_.options.has_caches_excluded && has_cache_tag(*dir, entries);
    std::erase_if(entries, [&](const Entry& entry) {
      return entry.type == EntryType::socket || (is_cache && entry.name != "CACHEDIR.TAG") ||
             run_.excludes.matches(whole(*dir, entry.name));
    });
    const auto previous = previous_nodes(*dir);
    make_room(*dir, entries.size(), previous.size());
    dir->postgres = part_of(dir->parent ? dir->parent->postgres : PostgresPart::none,
                            base::name_of_path(dir->path), entries);
    std::optional<Lookahead::Listed> listed; // of the next folder
    for (std::size_t place = 0; place < entries.size(); ++place) {
      const Node* before = find(previous, entries[place].name);
      if (entries[place].type == EntryType::folder)
        TRY(take_folder(
            dir, place, entries[place], before,
            std::exchange(listed, look_ahead(dir, std::span{entries}.subspan(place + 1)))));
      else
        TRY(take(dir, place, std::move(entries[place]), before));
    }
    run_.done_in(dir);
    return ok();
  }

  std::optional<Lookahead::Listed> look_ahead(const std::shared_ptr<Dir>& dir,
                                              std::span<const Entry> rest) {
    const auto next = std::ranges::find(rest, EntryType::folder, &Entry::type);
    if (next == rest.end() || is_left_empty(*next))
      return std::nullopt;
    return lookahead_.look(dir, next->name);
  }

  // A mount point is kept, as an empty folder.
  bool is_left_empty(const Entry& folder) const {
    return run_.options.is_one_file_system && folder.device != device_;
  }

  static void make_room(Dir& dir, std::size_t count, std::size_t count_before) {
    dir.nodes.resize(count);
    if (count != count_before)
      dir.is_as_before = false;
  }

  // The content may be still to come; of a folder that is told when it is done.
  static void compare(Dir& dir, std::size_t place, const Node* previous) {
    if (!dir.is_as_before)
      return;
    const Node& node = *dir.nodes[place];
    bool is_same = previous != nullptr && node.type == previous->type;
    if (is_same && node.type == NodeType::folder) {
      Node with_subtree = node;
      with_subtree.subtree = previous->subtree;
      is_same = with_subtree == *previous;
    } else if (is_same) {
      is_same = node == *previous;
    }
    if (!is_same) // never the other way: a folder in it may have said so meanwhile
      dir.is_as_before = false;
  }

  std::shared_ptr<Dir> begin_folder(const std::shared_ptr<Dir>& dir, std::size_t place,
                                    const Entry& entry, const Node* previous) {
    dir->nodes[place] = node_of(entry, run_.repository.ports().machine, run_.options.has_atime);
    auto below = std::make_shared<Dir>();
    below->parent = dir;
    below->place = place;
    below->path = whole(*dir, entry.name);
    if (previous != nullptr && previous->type == NodeType::folder)
      below->previous = previous->subtree;
    compare(*dir, place, previous);
    ++dir->pending;
    return below;
  }

  Result<> take(const std::shared_ptr<Dir>& dir, std::size_t place, Entry entry,
                const Node* previous, std::shared_ptr<world::Folder> folder = nullptr) {
    dir->nodes[place] = node_of(entry, run_.repository.ports().machine, run_.options.has_atime);
    if (entry.type != EntryType::file) {
      compare(*dir, place, previous);
      return ok();
    }
    if (is_unchanged(entry, previous)) {
      dir->nodes[place]->content = previous->content;
      compare(*dir, place, previous);
      ++run_.files_unmodified;
      ++run_.files_done;
      run_.bytes_done += entry.size_bytes;
      return ok();
    }
    const bool was_file = previous != nullptr && previous->type == NodeType::file;
    ++(was_file ? run_.files_changed : run_.files_new);
    dir->is_as_before = false;
    ++dir->pending;
    const CutBy cut = cut_of(*dir, entry, previous);
    batch({dir, place, std::move(entry), cut, std::move(folder),
           was_file && previous->content.size() > 1 ? previous->content : std::vector<Id>{}});
    return ok();
  }

  // A file goes on being cut as the snapshot before has it: what did not change in it is then
  // there.
  CutBy cut_of(const Dir& dir, const Entry& entry, const Node* previous) const {
    const bool is_by_rule = is_paged(dir.postgres, entry.name);
    if (previous != nullptr && previous->type == NodeType::file && previous->content.size() > 1) {
      const std::span before{previous->content.data(), previous->content.size() - 1};
      bool is_known = false; // one of them; what was lost is to be cut, and so found, as it was
      for (const Id& id : before)
        if (const auto place = run_.repository.index().find(id, BlobType::data)) {
          if (place->blob.plain_bytes() != fixed_blob_bytes)
            return CutBy::content;
          is_known = true;
        }
      if (previous->content.size() != (previous->size + fixed_blob_bytes - 1) / fixed_blob_bytes)
        return CutBy::content;
      // Zeros are cut so by content, too.
      const auto is_first = [&](const Id& id) { return id == before.front(); };
      if (is_known && !std::ranges::all_of(before, is_first))
        return CutBy::size;
    }
    return is_by_rule ? CutBy::size : CutBy::header;
  }

  Result<> take_folder(const std::shared_ptr<Dir>& dir, std::size_t place, const Entry& entry,
                       const Node* previous, std::optional<Lookahead::Listed> ahead) {
    Listing listing = ahead                  ? ahead->get()
                      : is_left_empty(entry) ? Listing{dir->folder->open_folder(entry.name), {}}
                                             : list_folder(*dir->folder, entry.name);
    auto& folder = listing.folder;
    if (!folder && (folder.error().kind == ErrorKind::not_found ||
                    folder.error().kind == ErrorKind::conflict)) {
      dir->is_as_before = false;
      return ok(); // it went since it was listed
    }
    if (!folder)
      return std::move(folder).error();
    const auto below = begin_folder(dir, place, entry, previous);
    below->folder = std::move(folder).value();
    if (listing.entries)
      return visit(below, TRY(*std::move(listing.entries)));
    run_.done_in(below);
    return ok();
  }

  bool is_unchanged(const Entry& entry, const Node* previous) {
    const BackupOptions& options = run_.options;
    if (previous == nullptr || options.is_everything_read || previous->type != NodeType::file ||
        previous->size != entry.size_bytes || previous->mtime != time_of(entry.mtime))
      return false;
    if (!options.is_inode_ignored &&
        (previous->ctime != time_of(entry.ctime) || previous->inode != entry.inode))
      return false;
    std::uint64_t size = 0;
    for (const Id& id : previous->content) {
      const auto place = run_.repository.index().find(id, BlobType::data);
      if (!place)
        return false; // it was lost: the file is there to store it again
      size += place->blob.plain_bytes();
    }
    return size == entry.size_bytes;
  }

  // Nothing when it cannot be read: then everything is read again, which mends it.
  std::vector<Node> previous_nodes(Dir& dir) {
    if (!dir.previous || !trees_.read(*dir.previous, BlobType::tree, text_))
      return {};
    auto nodes = format::decode_tree(text_);
    dir.is_as_before = static_cast<bool>(nodes); // so far
    return nodes ? std::move(nodes).value() : std::vector<Node>{};
  }

  static const Node* find(const std::vector<Node>& nodes, const std::string& name) {
    const auto found = std::ranges::lower_bound(nodes, name, {}, &Node::name);
    return found != nodes.end() && found->name == name ? &*found : nullptr;
  }

  // bford.info/cachedir: a file of this name that begins so.
  static bool has_cache_tag(Dir& dir, const std::vector<Entry>& entries) {
    constexpr std::string_view signature = "Signature: 8a477f597d28d172789f06886806bc55";
    const auto tag = std::ranges::find(entries, "CACHEDIR.TAG", &Entry::name);
    if (tag == entries.end() || tag->type != EntryType::file)
      return false;
    const auto file = dir.folder->open_file("CACHEDIR.TAG");
    std::string start(signature.size(), '\0');
    if (!file)
      return false;
    const auto got = file.value()->read(start, 0);
    return got && got.value() == start.size() && start == signature;
  }

  static std::string whole(const Dir& dir, const std::string& name) {
    return dir.path == "/" ? "/" + name : dir.path + "/" + name;
  }

  std::vector<FileJob> batch_;
  std::uint64_t batch_bytes_ = 0;
  BackupRun& run_;
  BlobReader trees_;
  std::string text_;
  std::uint64_t device_ = 0; // of the file system that the walk began on
  Lookahead lookahead_;
};

} // namespace

Node node_of(const Entry& entry, world::Machine& machine, bool has_atime) {
  Node node;
  node.name = entry.name;
  node.type = type_of(entry.type);
  node.mode = entry.mode;
  node.mtime = time_of(entry.mtime);
  node.atime = time_of(has_atime ? entry.atime : entry.mtime);
  node.ctime = time_of(entry.ctime);
  node.uid = entry.user;
  node.gid = entry.group;
  node.user = machine.user_name(entry.user);
  node.group = machine.group_name(entry.group);
  node.inode = entry.inode;
  node.device_id = entry.device;
  node.size = entry.size_bytes;
  // restic counts the names only of these.
  if (entry.type != EntryType::folder && entry.type != EntryType::fifo)
    node.links = entry.links;
  node.target = entry.target;
  node.device = entry.special;
  for (const auto& [name, value] : entry.attributes)
    node.attributes.push_back({name, value});
  return node;
}

Result<> walk(BackupRun& run, const std::optional<Id>& previous_root) {
  return Walk{run}.begin(previous_root);
}

} // namespace repo
