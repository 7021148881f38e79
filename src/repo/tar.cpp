#include "repo/tar.hpp"

#include "base/text.hpp"
#include "repo/restore.hpp"

#include <map>
#include <memory>

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

namespace repo {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using format::BlobType;
using format::Id;
using format::Node;
using format::NodeType;

namespace {

struct FreeWrite {
  void operator()(archive* writer) const { archive_write_free(writer); }
};
struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

mode_t mode_type_of(NodeType type) {
  switch (type) {
  case NodeType::folder: return AE_IFDIR;
  case NodeType::link: return AE_IFLNK;
  case NodeType::block_device: return AE_IFBLK;
  case NodeType::char_device: return AE_IFCHR;
  case NodeType::fifo: return AE_IFIFO;
  default: return AE_IFREG;
  }
}

class TarWriter {
public:
  using Write = std::function<Result<>(std::string_view)>;
  TarWriter(Repository& repository, const Write& write)
      : repository_{repository}, reader_{repository}, write_{write}, writer_{archive_write_new()} {
    CHECK(writer_ != nullptr);
  }

  Result<TarReport> run(const format::Snapshot& snapshot, const std::string& below,
                        Packing packing) {
    archive_write_set_format_pax(writer_.get()); // for the fractions of times
    int opened = ARCHIVE_OK;
    if (packing == Packing::gzip)
      opened = archive_write_add_filter_gzip(writer_.get());
    if (packing == Packing::zstd)
      opened = archive_write_add_filter_zstd(writer_.get());
    archive_write_set_bytes_in_last_block(writer_.get(), 1);
    if (opened != ARCHIVE_OK ||
        archive_write_open(writer_.get(), this, nullptr, take_bytes, nullptr) != ARCHIVE_OK)
      return failure();
    const auto root = TRY(node_at(reader_, snapshot, below));
    if (root)
      TRY(add("./", *root));
    TRY(add_below("./", TRY(tree_at(reader_, snapshot, below))));
    if (archive_write_close(writer_.get()) != ARCHIVE_OK)
      return failure();
    return report_;
  }

  // Else the end of a complete archive would be written behind half of one.
  void give_up() { archive_write_fail(writer_.get()); }

private:
  static la_ssize_t take_bytes(archive*, void* to, const void* bytes, std::size_t size) {
    auto* const self = static_cast<TarWriter*>(to);
    if (self->failed_)
      return -1;
    if (auto done = self->write_({static_cast<const char*>(bytes), size}); !done) {
      self->failed_ = std::move(done).error();
      return -1;
    }
    return static_cast<la_ssize_t>(size);
  }

  Error failure() {
    if (failed_)
      return *failed_;
    const char* text = archive_error_string(writer_.get());
    return {ErrorKind::failed,
            std::string{"unable to make the archive: "} +
                (text == nullptr ? "libarchive does not say why" : text),
            ""};
  }

  Result<> add_below(const std::string& path, const Id& tree) {
    for (const Node& node : TRY(read_tree(reader_, tree))) {
      if (node.type == NodeType::socket || node.type == NodeType::other)
        continue; // tar has none
      const std::string whole = path + node.name;
      TRY_CONTEXT(add(whole, node), "'" + whole + "'");
      if (node.subtree)
        TRY(add_below(whole + "/", *node.subtree));
    }
    return ok();
  }

  Result<> add(const std::string& path, const Node& node) {
    const std::unique_ptr<archive_entry, FreeEntry> entry{archive_entry_new()};
    CHECK(entry != nullptr);
    archive_entry_set_pathname(entry.get(), path.c_str());
    archive_entry_set_filetype(entry.get(), mode_type_of(node.type));
    archive_entry_set_perm(entry.get(), node.mode);
    archive_entry_set_uid(entry.get(), node.uid);
    archive_entry_set_gid(entry.get(), node.gid);
    archive_entry_set_uname(entry.get(), node.user.c_str());
    archive_entry_set_gname(entry.get(), node.group.c_str());
    archive_entry_set_mtime(entry.get(), node.mtime.seconds, node.mtime.nanoseconds);
    for (const format::Attribute& attribute : node.attributes)
      archive_entry_xattr_add_entry(entry.get(), attribute.name.c_str(), attribute.value.data(),
                                    attribute.value.size());
    if (node.type == NodeType::link)
      archive_entry_set_symlink(entry.get(), node.target.c_str());
    if (node.type == NodeType::block_device || node.type == NodeType::char_device)
      archive_entry_set_rdev(entry.get(), node.device);
    const bool is_further = is_further_name(*entry, path, node);
    const bool has_content = node.type == NodeType::file && !is_further;
    const std::uint64_t size = has_content ? TRY(size_of(node)) : 0;
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
    // A warning is of a name that is no text: it is written byte for byte.
    if (archive_write_header(writer_.get(), entry.get()) < ARCHIVE_WARN)
      return failure();
    ++report_.entries;
    return has_content ? add_content(node) : ok();
  }

  bool is_further_name(archive_entry& entry, const std::string& path, const Node& node) {
    if (node.links < 2 || node.inode == 0 || node.type == NodeType::folder)
      return false;
    const auto [first, is_new] = first_names_.emplace(std::pair{node.device_id, node.inode}, path);
    if (!is_new)
      archive_entry_set_hardlink(&entry, first->second.c_str());
    return !is_new;
  }

  Result<std::uint64_t> size_of(const Node& node) {
    std::uint64_t size = 0;
    for (const Id& id : node.content) {
      const auto place = repository_.index().find(id, BlobType::data);
      if (!place)
        return Error{ErrorKind::corrupt, "data blob " + short_id(id) + " is in no index file", ""};
      size += place->blob.plain_bytes();
    }
    return size;
  }

  Result<> add_content(const Node& node) {
    for (const Id& id : node.content) {
      TRY(reader_.read(id, BlobType::data, bytes_));
      if (archive_write_data(writer_.get(), bytes_.data(), bytes_.size()) !=
          static_cast<la_ssize_t>(bytes_.size()))
        return failure();
      report_.bytes += bytes_.size();
    }
    return ok();
  }

  Repository& repository_;
  BlobReader reader_;
  const Write& write_;
  std::optional<Error> failed_; // of write_
  std::unique_ptr<archive, FreeWrite> writer_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> first_names_;
  std::string bytes_;
  TarReport report_;
};

} // namespace

Result<TarReport> write_tar(Repository& repository, const format::Snapshot& snapshot,
                            const std::string& below, Packing packing,
                            const std::function<Result<>(std::string_view)>& write) {
  TarWriter writer{repository, write};
  auto done = writer.run(snapshot, below, packing);
  if (!done)
    writer.give_up();
  return done;
}

} // namespace repo
