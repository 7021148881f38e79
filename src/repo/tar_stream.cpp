#include "repo/tar_stream.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

namespace repo {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using format::Node;
using format::NodeType;

namespace {

constexpr std::size_t tar_block_bytes = 512;
constexpr std::size_t rubbish_bytes = 700;

struct FreeTarEntry {
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

} // namespace

void TarStream::FreeArchive::operator()(archive* writer) const {
  archive_write_free(writer);
}

TarStream::TarStream(const Write& write) : write_{write}, writer_{archive_write_new()} {
  CHECK(writer_ != nullptr);
}

long TarStream::take_bytes(archive*, void* to, const void* bytes, std::size_t size) {
  auto* const self = static_cast<TarStream*>(to);
  if (self->failed_)
    return -1;
  if (auto done = self->write_({static_cast<const char*>(bytes), size}); !done) {
    self->failed_ = std::move(done).error();
    return -1;
  }
  return static_cast<long>(size);
}

Error TarStream::failure() {
  if (failed_)
    return *failed_;
  const char* text = archive_error_string(writer_.get());
  return {ErrorKind::failed,
          std::string{"unable to make the archive: "} +
              (text == nullptr ? "libarchive does not say why" : text),
          ""};
}

Result<> TarStream::open(Packing packing) {
  packing_ = packing;
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
  return ok();
}

std::string TarStream::name_before(const std::string& path, const Node& node) {
  if (node.links < 2 || node.inode == 0 || node.type == NodeType::folder)
    return "";
  const auto [first, is_new] = first_names_.emplace(std::pair{node.device_id, node.inode}, path);
  return is_new ? "" : first->second;
}

Result<> TarStream::begin(const std::string& path, const Node& node, std::uint64_t size,
                          const std::string& hard_link) {
  const std::unique_ptr<archive_entry, FreeTarEntry> entry{archive_entry_new()};
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
  if (!hard_link.empty())
    archive_entry_set_hardlink(entry.get(), hard_link.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
  // A warning is of a name that is no text: it is written byte for byte.
  if (archive_write_header(writer_.get(), entry.get()) < ARCHIVE_WARN)
    return failure();
  ++report_.entries;
  return ok();
}

Result<> TarStream::content(std::string_view bytes) {
  if (archive_write_data(writer_.get(), bytes.data(), bytes.size()) !=
      static_cast<la_ssize_t>(bytes.size()))
    return failure();
  report_.bytes += bytes.size();
  return ok();
}

Result<> TarStream::close() {
  return archive_write_close(writer_.get()) == ARCHIVE_OK ? ok() : Result<>{failure()};
}

// What is packed breaks off in the middle. A plain one may end where a file does, which tar takes
// for an end: but not what is no header, and no number of blocks.
void TarStream::give_up() {
  archive_write_fail(writer_.get());
  if (packing_ != Packing::none || failed_)
    return;
  std::string rubbish = "this archive is not whole: making it has failed\n";
  static_assert(rubbish_bytes > tar_block_bytes && rubbish_bytes % tar_block_bytes != 0);
  rubbish.resize(rubbish_bytes, ' ');
  if (auto written = write_(rubbish); !written)
    failed_ = std::move(written).error();
}

} // namespace repo
