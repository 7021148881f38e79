#include "repo/import.hpp"

#include "base/text.hpp"

#include <map>
#include <memory>

namespace repo {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using format::BlobType;
using format::chunk_bytes_max;
using format::Id;
using format::Node;
using format::NodeType;

namespace {

struct Item {
  Node node;
  bool is_given = false; // by the archive; else it is only on the way to something
  std::map<std::string, std::unique_ptr<Item>> below;
};

class Import {
public:
  Import(Repository& repository, Lock& lock, const ImportOptions& options, world::Entry file)
      : repository_{repository}, lock_{lock}, options_{options}, file_{std::move(file)},
        chunker_{repository.config().chunker}, store_{repository, lock},
        data_{repository, BlobType::data, options.save, added_, sink()}, trees_{repository,
                                                                                BlobType::tree,
                                                                                options.save,
                                                                                added_, sink()} {
    root_.node.type = NodeType::folder;
    top_ = &at(root_, options.path_as);
  }

  Result<> read(world::SourceFile& file, const ArchiveSummary& known,
                const std::function<void(std::uint64_t)>& progress) {
    progress_ = &progress;
    if (known.is_dump)
      return read_dump(file);
    const ArchiveEvents events{[this](ArchiveEntry entry) { return begin(std::move(entry)); },
                               [this](std::string_view bytes) { return take(bytes); },
                               [this] { return end(); }};
    const ArchiveSummary again = TRY(read_archive(file, options_.name, events));
    if (again.entries != known.entries || again.bytes != known.bytes)
      return Error{ErrorKind::conflict, "'" + options_.name + "' changed while it was read", ""};
    return ok();
  }

  Result<Id> store_all() {
    const Id tree = TRY(save_tree(root_));
    if (!data_.flush() || !trees_.flush())
      return failure();
    TRY(store_.flush());
    TRY(store_.read_back(false));
    TRY(lock_.keep());
    return tree;
  }

  format::Summary summary() const {
    return {.files_new = files_,
            .folders_new = folders_,
            .data_blobs = added_.data_blobs,
            .tree_blobs = added_.tree_blobs,
            .bytes_added = added_.bytes,
            .bytes_added_packed = added_.bytes_packed,
            .files = files_,
            .bytes = bytes_};
  }

private:
  BlobSaver::Sink sink() {
    return [this](format::FinishedPack pack) {
      if (auto stored = store_.store(std::move(pack)); !stored)
        failed_ = std::move(stored).error();
      return !failed_;
    };
  }
  Error failure() const {
    return failed_.value_or(Error{ErrorKind::failed, "nothing could be stored", ""});
  }

  // The item of a path below another, with folders on the way that nobody gave.
  Item& at(Item& from, const std::string& path) {
    Item* item = &from;
    for (const std::string& part : base::split(path, '/')) {
      if (part.empty())
        continue;
      auto& below = item->below[part];
      if (!below) {
        below = std::make_unique<Item>();
        below->node.name = part;
        below->node.type = NodeType::folder;
        below->node.mode = 0755;
        below->node.mtime = {file_.mtime.seconds, file_.mtime.nanoseconds};
        below->node.atime = below->node.ctime = below->node.mtime;
      }
      item = below.get();
    }
    return *item;
  }

  Result<> begin(ArchiveEntry entry) {
    TRY(look());
    for (std::string above = entry.path; above.contains('/');) {
      above = above.substr(0, above.rfind('/'));
      const Item& folder = at(*top_, above);
      if (folder.is_given && folder.node.type != NodeType::folder)
        return refused(entry.path, "passes through '" + above + "', which is no folder");
    }
    current_ = &at(*top_, entry.path);
    const bool is_folder = entry.node.type == NodeType::folder;
    if ((current_->is_given || !current_->below.empty() || current_ == top_) &&
        !(is_folder && current_->node.type == NodeType::folder))
      return refused(entry.path, "is in it twice");
    if (!entry.hard_link.empty())
      return link(entry);
    const std::string name = current_->node.name;
    current_->node = std::move(entry.node);
    current_->node.name = name;
    current_->node.links = is_folder ? 0 : 1;
    current_->is_given = true;
    return ok();
  }

  // A further name: both say that they are the same file.
  Result<> link(const ArchiveEntry& entry) {
    Item& first = at(*top_, entry.hard_link);
    if (!first.is_given || first.node.type == NodeType::folder)
      return refused(entry.path, "is a hard link to '" + entry.hard_link + "', which is not in it");
    if (first.node.inode == 0)
      first.node.inode = ++inodes_;
    std::vector<Item*>& names = names_[first.node.inode];
    if (names.empty())
      names.push_back(&first);
    const std::string name = current_->node.name;
    current_->node = first.node;
    current_->node.name = name;
    current_->is_given = true;
    names.push_back(current_);
    for (Item* each : names)
      each->node.links = names.size();
    current_ = nullptr;
    return ok();
  }

  Error refused(const std::string& path, const std::string& problem) const {
    return {ErrorKind::invalid_input,
            "'" + base::printable(path) + "' in '" + options_.name + "' " + problem,
            "Nothing was imported. Do not trust this archive."};
  }

  Result<> take(std::string_view bytes) {
    buffer_ += bytes;
    bytes_ += bytes.size();
    while (buffer_.size() - begin_ >= chunk_bytes_max)
      TRY(store_chunk());
    if (begin_ >= chunk_bytes_max) {
      buffer_.erase(0, begin_);
      begin_ = 0;
    }
    return ok();
  }

  Result<> store_chunk() {
    const std::string_view rest = std::string_view{buffer_}.substr(begin_);
    const std::string_view chunk = rest.substr(0, chunker_.chunk_size(rest));
    const Id id = format::id_of(chunk);
    if (repository_.index().claim(id, BlobType::data) && !data_.save(id, chunk))
      return failure();
    current_->node.content.push_back(id);
    current_->node.size += chunk.size();
    begin_ += chunk.size();
    (*progress_)(bytes_);
    return look();
  }

  Result<> end() {
    while (begin_ < buffer_.size())
      TRY(store_chunk());
    buffer_.clear();
    begin_ = 0;
    return ok();
  }

  Result<> read_dump(world::SourceFile& file) {
    current_ = top_;
    Node& node = top_->node;
    node.type = NodeType::file;
    node.mode = file_.mode;
    node.uid = file_.user;
    node.gid = file_.group;
    node.links = 1;
    top_->is_given = true;
    std::string bytes(1U << 20U, '\0');
    for (std::uint64_t offset = 0;;) {
      const std::size_t got = TRY(file.read({bytes.data(), bytes.size()}, offset));
      TRY(take(std::string_view{bytes}.substr(0, got)));
      offset += got;
      if (got < bytes.size())
        break;
    }
    return end();
  }

  Result<> look() {
    TRY(lock_.keep());
    if (repository_.ports().clock.stop_requested())
      return Error{ErrorKind::interrupted, "asked to stop: no snapshot was made", ""};
    return ok();
  }

  Result<Id> save_tree(Item& item) {
    std::vector<Node> nodes;
    for (auto& [name, below] : item.below) {
      if (below->node.type == NodeType::folder) {
        below->node.subtree = TRY(save_tree(*below));
        ++folders_;
      } else {
        ++files_;
      }
      nodes.push_back(std::move(below->node));
    }
    const std::string text = format::encode_tree(std::move(nodes));
    const Id id = format::id_of(text);
    if (repository_.index().claim(id, BlobType::tree) && !trees_.save(id, text))
      return failure();
    return id;
  }

  Repository& repository_;
  Lock& lock_;
  const ImportOptions& options_;
  world::Entry file_;
  format::Chunker chunker_;
  Added added_;
  std::optional<Error> failed_;
  PackStore store_;
  BlobSaver data_;
  BlobSaver trees_;
  Item root_;
  Item* top_ = nullptr;
  Item* current_ = nullptr;
  std::uint64_t inodes_ = 0;
  std::map<std::uint64_t, std::vector<Item*>> names_; // of files with several
  std::string buffer_;                                // of the current file
  std::size_t begin_ = 0;                             // of what is not stored yet in it
  std::uint64_t bytes_ = 0;
  std::uint64_t files_ = 0;
  std::uint64_t folders_ = 0;
  const std::function<void(std::uint64_t)>* progress_ = nullptr;
};

} // namespace

Result<ImportReport> import_file(Repository& repository, Lock& lock, world::SourceFile& file,
                                 const ImportOptions& options,
                                 const std::function<void(std::uint64_t)>& progress) {
  const Ports& ports = repository.ports();
  const auto begin = format::Time::of(ports.clock.now());
  ImportReport report;
  report.archive = TRY(verify_archive(file, options.name));
  TRY(lock.keep());
  TRY(repository.load_index());
  Import import{repository, lock, options, TRY(file.now())};
  TRY(import.read(file, report.archive, progress));
  const Id tree = TRY(import.store_all());
  const world::Identity self = ports.machine.identity();
  format::Summary summary = import.summary();
  summary.begin = begin;
  summary.end = format::Time::of(ports.clock.now());
  report.snapshot = {.time = begin,
                     .tree = tree,
                     .paths = {options.path_as},
                     .host = self.host,
                     .user = self.user,
                     .uid = self.uid,
                     .gid = self.gid,
                     .tags = options.tags,
                     .program_version = options.program_version,
                     .summary = summary};
  TRY(lock.keep());
  report.snapshot.id =
      TRY(repository.save(backend::FileKind::snapshot, format::to_json(report.snapshot)));
  return report;
}

} // namespace repo
