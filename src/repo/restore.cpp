#include "repo/restore.hpp"

#include "base/text.hpp"
#include "repo/queue.hpp"

#include <algorithm>
#include <atomic>
#include <map>
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

namespace {

constexpr std::size_t waiting_max = 128;            // each may hold a folder and a file open
constexpr std::size_t part_blobs = 8;               // of one file, for one thread
constexpr std::uint64_t read_bytes_max = 8U << 20U; // of one pack at once
constexpr std::size_t zero_run_bytes = 64U << 10U;

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

// A folder that gets its metadata when everything in it is there.
struct OpenFolder {
  std::shared_ptr<OpenFolder> parent;
  std::unique_ptr<world::Folder> folder;
  std::optional<Entry> entry;     // nothing: the target itself, of a whole snapshot
  std::vector<std::string> names; // from the target on
  std::atomic<std::size_t> pending = 1;
};

struct OpenFile {
  std::shared_ptr<OpenFolder> folder;
  std::unique_ptr<world::NewFile> file;
  Node node;
  std::string path;
  std::vector<std::uint64_t> offsets; // of its blobs
  std::atomic<std::size_t> pending = 1;
};

struct Part {
  std::shared_ptr<OpenFile> file;
  std::size_t begin = 0; // among its blobs
  std::size_t end = 0;
};

class Restore {
public:
  Restore(Repository& repository, world::Folders& folders, const RestoreOptions& options)
      : repository_{repository}, folders_{folders}, options_{options}, trees_{repository} {}

  Result<RestoreReport> run(Lock& lock, const format::Snapshot& snapshot,
                            const std::function<void(const RestoreReport&)>& progress) {
    const Id tree = TRY(tree_at(trees_, snapshot, options_.below));
    const auto root = std::make_shared<OpenFolder>();
    root->folder = TRY(folders_.open_empty(options_.target));
    root->entry = TRY(entry_of_root(snapshot));
    const std::size_t wanted = options_.threads != 0
                                   ? options_.threads
                                   : std::min(repository_.ports().machine.cores(), 8U);
    std::vector<std::jthread> threads;
    for (std::size_t thread = 0; thread < wanted; ++thread)
      threads.emplace_back([this] {
        if (auto done = work(); !done)
          fail(std::move(done).error());
      });
    const auto note = [&]() -> Result<> {
      TRY(lock.keep());
      if (repository_.ports().clock.stop_requested())
        return Error{ErrorKind::interrupted, "asked to stop: the target holds a part", ""};
      if (progress)
        progress(report());
      return ok();
    };
    note_ = note;
    if (auto walked = visit(root, tree); !walked)
      fail(std::move(walked).error());
    parts_.close();
    threads.clear(); // waits
    if (failure_)
      return *std::move(failure_);
    TRY(folders_.sync(options_.target));
    return report();
  }

private:
  // The folder that is restored by itself has metadata; the root of a snapshot has none.
  Result<std::optional<Entry>> entry_of_root(const format::Snapshot& snapshot) {
    std::optional<Entry> entry;
    if (options_.below == "/")
      return entry;
    const Id tree = TRY(tree_at(trees_, snapshot, base::parent_of(options_.below)));
    for (const Node& node : TRY(read_tree(trees_, tree)))
      if (node.name == base::name_of_path(options_.below))
        entry = entry_of(node);
    return entry;
  }

  RestoreReport report() const { return {files_, opened_, others_, bytes_}; }

  void fail(Error error) {
    const std::scoped_lock guard{mutex_};
    if (!failure_)
      failure_ = std::move(error);
    is_over_ = true;
    parts_.drop();
  }

  Result<> visit(const std::shared_ptr<OpenFolder>& into, const Id& tree) {
    for (Node& node : TRY(read_tree(trees_, tree))) {
      if (is_over_)
        return ok();
      if (++seen_ % 256 == 0)
        TRY(note_());
      if (node.type == NodeType::folder)
        TRY(make_folder(into, node));
      else if (node.type == NodeType::file)
        TRY(make_file(into, std::move(node)));
      else if (node.type != NodeType::socket && node.type != NodeType::other)
        TRY(make_other(*into, node));
    }
    return done_in(into);
  }

  Result<> make_folder(const std::shared_ptr<OpenFolder>& into, const Node& node) {
    const auto below = std::make_shared<OpenFolder>();
    below->folder = TRY(into->folder->make_folder(node.name));
    below->parent = into;
    below->entry = entry_of(node);
    below->names = into->names;
    below->names.push_back(node.name);
    ++into->pending;
    ++opened_;
    return visit(below, *node.subtree);
  }

  Result<> make_other(OpenFolder& into, const Node& node) {
    if (TRY(is_further_name(into, node)))
      return ok();
    ++others_;
    return into.folder->make_other(entry_of(node));
  }

  // True when the file was made already, and has got this name too.
  Result<bool> is_further_name(OpenFolder& into, const Node& node) {
    if (node.links < 2 || node.inode == 0)
      return false;
    auto names = into.names;
    names.push_back(node.name);
    const auto [at, is_first] = first_names_.emplace(std::pair{node.device_id, node.inode}, names);
    if (is_first)
      return false;
    const auto first = TRY(open_below_target(at->second));
    TRY(into.folder->make_hard_link(node.name, *first, at->second.back()));
    return true;
  }

  // The folder of a name that was made before.
  Result<std::unique_ptr<world::Folder>> open_below_target(const std::vector<std::string>& names) {
    auto folder = TRY(folders_.open(options_.target));
    for (std::size_t at = 0; at + 1 < names.size(); ++at)
      folder = TRY(folder->open_folder(names[at]));
    return folder;
  }

  Result<> make_file(const std::shared_ptr<OpenFolder>& into, Node node) {
    if (TRY(is_further_name(*into, node)))
      return ok();
    const auto made = std::make_shared<OpenFile>();
    made->path = "/" + base::join(into->names, "/") + (into->names.empty() ? "" : "/") + node.name;
    made->file = TRY(into->folder->make_file(node.name));
    made->folder = into;
    std::uint64_t offset = 0;
    for (const Id& id : node.content) {
      made->offsets.push_back(offset);
      const auto place = repository_.index().find(id, BlobType::data);
      if (!place)
        return Error{ErrorKind::corrupt,
                     "'" + made->path + "': data blob " + short_id(id) + " is in no index file",
                     ""};
      offset += place->blob.plain_bytes();
    }
    node.size = offset;
    made->node = std::move(node);
    ++into->pending;
    const std::size_t count = made->node.content.size();
    for (std::size_t begin = 0; begin < count; begin += part_blobs) {
      ++made->pending;
      if (!parts_.push({made, begin, std::min(begin + part_blobs, count)}))
        return ok(); // it is all over
    }
    return done_with(*made);
  }

  Result<> work() {
    BlobReader reader{repository_};
    std::string plain;
    while (const auto part = parts_.pop()) {
      TRY_CONTEXT(write(*part, reader, plain), "'" + part->file->path + "'");
      TRY(done_with(*part->file));
    }
    return ok();
  }

  // Blobs that lie one after the other in a pack are read at once.
  Result<> write(const Part& part, BlobReader& reader, std::string& plain) {
    const std::vector<Id>& content = part.file->node.content;
    std::vector<BlobPlace> places;
    for (std::size_t at = part.begin; at < part.end; ++at)
      places.push_back(*repository_.index().find(content[at], BlobType::data));
    for (std::size_t first = 0; first < places.size() && !is_over_;) {
      std::size_t last = first;
      std::uint64_t bytes = places[first].blob.length;
      while (last + 1 < places.size() && places[last + 1].pack == places[first].pack &&
             places[last + 1].blob.offset == places[first].blob.offset + bytes &&
             bytes + places[last + 1].blob.length <= read_bytes_max)
        bytes += places[++last].blob.length;
      auto box = repository_.backend().load({backend::FileKind::pack, places[first].pack},
                                            places[first].blob.offset, bytes);
      if (!box && box.error().kind == ErrorKind::not_found)
        return Error{ErrorKind::corrupt,
                     "the pack '" +
                         backend::text_of({backend::FileKind::pack, places[first].pack}) +
                         "' is missing",
                     ""};
      if (!box)
        return std::move(box).error();
      std::string_view rest = box.value();
      for (; first <= last; ++first) {
        const std::uint32_t length = places[first].blob.length;
        TRY(reader.unpack(places[first], rest.substr(0, length), plain));
        rest.remove_prefix(std::min<std::size_t>(length, rest.size()));
        TRY(put(*part.file, plain, part.file->offsets[part.begin + first]));
      }
    }
    return ok();
  }

  Result<> put(OpenFile& file, std::string_view bytes, std::uint64_t offset) {
    bytes_ += bytes.size();
    if (!options_.has_holes)
      return file.file->write(bytes, offset);
    const auto is_zero = [&](std::size_t at) {
      const std::string_view run = bytes.substr(at, zero_run_bytes);
      return run.find_first_not_of('\0') == std::string_view::npos;
    };
    for (std::size_t begin = 0; begin < bytes.size();) {
      std::size_t end = begin;
      while (end < bytes.size() && !is_zero(end))
        end = std::min(end + zero_run_bytes, bytes.size());
      if (end > begin)
        TRY(file.file->write(bytes.substr(begin, end - begin), offset + begin));
      begin = std::min(end + zero_run_bytes, bytes.size());
    }
    return ok();
  }

  Result<> done_with(OpenFile& file) {
    if (--file.pending != 0)
      return ok();
    TRY(file.file->finish(entry_of(file.node)));
    file.file.reset();
    ++files_;
    return done_in(file.folder);
  }

  Result<> done_in(std::shared_ptr<OpenFolder> folder) {
    while (folder && --folder->pending == 0) {
      if (folder->entry)
        TRY(folder->folder->finish(*folder->entry));
      folder->folder.reset();
      folder = std::shared_ptr<OpenFolder>{folder->parent};
    }
    return ok();
  }

  Repository& repository_;
  world::Folders& folders_;
  const RestoreOptions& options_;
  BlobReader trees_;
  std::function<Result<>()> note_;
  std::uint64_t seen_ = 0;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<std::string>> first_names_;
  Queue<Part> parts_{waiting_max};
  std::atomic<std::uint64_t> files_ = 0;
  std::atomic<std::uint64_t> opened_ = 0;
  std::atomic<std::uint64_t> others_ = 0;
  std::atomic<std::uint64_t> bytes_ = 0;
  std::atomic<bool> is_over_ = false;
  std::mutex mutex_;
  std::optional<Error> failure_;
};

} // namespace

Result<RestoreReport> restore(Repository& repository, Lock& lock, world::Folders& folders,
                              const format::Snapshot& snapshot, const RestoreOptions& options,
                              const std::function<void(const RestoreReport&)>& progress) {
  return Restore{repository, folders, options}.run(lock, snapshot, progress);
}

} // namespace repo
