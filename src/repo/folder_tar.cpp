#include "repo/folder_tar.hpp"

#include "repo/backup_run.hpp"
#include "repo/tar_stream.hpp"

#include <algorithm>

namespace repo {

using base::ErrorKind;
using base::ok;
using base::Result;
using format::Node;
using format::NodeType;
using world::Entry;
using world::SourceFile;

namespace {

constexpr std::uint64_t read_again_max = 32U << 20U; // held in memory meanwhile
constexpr int read_tries_max = 3;
constexpr std::size_t torn_named_max = 20;
constexpr std::size_t tar_chunk_bytes = 1U << 20U;

bool is_same_moment(const Entry& a, const Entry& b) {
  return a.size_bytes == b.size_bytes && a.mtime == b.mtime && a.ctime == b.ctime;
}

class FolderWriter {
public:
  FolderWriter(world::Machine& machine, const FolderTarOptions& options,
               const TarStream::Write& write)
      : machine_{machine}, options_{options}, stream_{write} {}

  Result<FolderTarReport> run(world::Folder& root, Packing packing) {
    TRY(stream_.open(packing));
    const Node node = node_of(TRY(root.now()), machine_, false);
    TRY(stream_.begin("./", node, 0, ""));
    TRY(add_below("", root));
    if (!options_.note_name.empty())
      TRY(add_note(node));
    TRY(stream_.close());
    report_.archive = stream_.report();
    return report_;
  }
  void give_up() { stream_.give_up(); }

private:
  Result<> add_below(const std::string& path, world::Folder& folder) {
    for (const Entry& entry : TRY(folder.list())) {
      const std::string whole = path + entry.name;
      if (entry.type == world::EntryType::socket || whole == options_.note_name ||
          std::ranges::find(options_.exclude, whole) != options_.exclude.end())
        continue;
      TRY_CONTEXT(add(whole, entry, folder), "'" + whole + "'");
    }
    return ok();
  }

  Result<> add(const std::string& path, const Entry& entry, world::Folder& folder) {
    if (entry.type == world::EntryType::folder) {
      auto below = folder.open_folder(entry.name);
      if (!below)
        return gone_or(std::move(below).error());
      TRY(stream_.begin("./" + path + "/", node_of(entry, machine_, false), 0, ""));
      return add_below(path + "/", *below.value());
    }
    if (entry.type == world::EntryType::file)
      return add_file(path, entry, folder);
    const Node node = node_of(entry, machine_, false);
    return stream_.begin("./" + path, node, 0, stream_.name_before("./" + path, node));
  }

  // What is not there any more, or is something else now, is as if it had never been listed.
  static Result<> gone_or(base::Error error) {
    if (error.kind == ErrorKind::not_found || error.kind == ErrorKind::conflict)
      return ok();
    return error;
  }

  Result<> add_file(const std::string& path, const Entry& entry, world::Folder& folder) {
    auto opened = folder.open_file(entry.name);
    if (!opened)
      return gone_or(std::move(opened).error());
    SourceFile& file = *opened.value();
    Entry now = TRY(file.now());
    now.name = entry.name;
    now.attributes = entry.attributes;
    const std::string before = stream_.name_before("./" + path, node_of(now, machine_, false));
    if (!before.empty())
      return stream_.begin("./" + path, node_of(now, machine_, false), 0, before);
    return now.size_bytes <= read_again_max ? add_small(path, now, file)
                                            : add_large(path, now, file);
  }

  Result<> add_small(const std::string& path, Entry now, SourceFile& file) {
    for (int i = 1;; ++i) {
      bytes_.resize(now.size_bytes);
      std::size_t filled = 0;
      while (filled < bytes_.size()) {
        const std::size_t got =
            TRY(file.read({bytes_.data() + filled, bytes_.size() - filled}, filled));
        if (got == 0)
          break;
        filled += got;
      }
      const Entry after = TRY(file.now());
      const bool is_whole = filled == bytes_.size() && is_same_moment(now, after);
      if (is_whole || i == read_tries_max || after.size_bytes > read_again_max) {
        if (!is_whole)
          add_torn(path);
        std::fill(bytes_.begin() + static_cast<std::ptrdiff_t>(filled), bytes_.end(), '\0');
        break;
      }
      now.size_bytes = after.size_bytes;
      now.mtime = after.mtime;
      now.ctime = after.ctime;
    }
    TRY(stream_.begin("./" + path, node_of(now, machine_, false), bytes_.size(), ""));
    return stream_.content(bytes_);
  }

  Result<> add_large(const std::string& path, const Entry& now, SourceFile& file) {
    TRY(stream_.begin("./" + path, node_of(now, machine_, false), now.size_bytes, ""));
    bool is_short = false;
    for (std::uint64_t offset = 0; offset < now.size_bytes;) {
      bytes_.resize(std::min<std::uint64_t>(tar_chunk_bytes, now.size_bytes - offset));
      std::size_t got = is_short ? 0 : TRY(file.read({bytes_.data(), bytes_.size()}, offset));
      if (got == 0) { // it was cut: the archive has named its size already
        is_short = true;
        std::ranges::fill(bytes_, '\0');
        got = bytes_.size();
      }
      TRY(stream_.content(std::string_view{bytes_}.substr(0, got)));
      offset += got;
    }
    if (is_short || !is_same_moment(now, TRY(file.now())))
      add_torn(path);
    return ok();
  }

  Result<> add_note(Node node) { // its owner and time are those of the folder
    node.type = NodeType::file;
    node.mode = 0600;
    node.attributes.clear();
    TRY(stream_.begin("./" + options_.note_name, node, options_.note_text.size(), ""));
    return stream_.content(options_.note_text);
  }

  void add_torn(const std::string& path) {
    if (report_.torn.size() < torn_named_max)
      report_.torn.push_back(path);
    ++report_.torn_count;
  }

  world::Machine& machine_;
  const FolderTarOptions& options_;
  TarStream stream_;
  std::string bytes_;
  FolderTarReport report_;
};

} // namespace

Result<FolderTarReport> write_folder_tar(world::Folders& folders, world::Machine& machine,
                                         const std::string& folder, const FolderTarOptions& options,
                                         Packing packing,
                                         const std::function<Result<>(std::string_view)>& write) {
  const auto root = TRY(folders.open(folder));
  FolderWriter writer{machine, options, write};
  auto done = writer.run(*root, packing);
  if (!done)
    writer.give_up();
  return done;
}

} // namespace repo
