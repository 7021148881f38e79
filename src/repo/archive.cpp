#include "repo/archive.hpp"

#include "base/archive_filters.hpp"
#include "base/digest.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <memory>

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

constexpr std::size_t block_bytes = 256U << 10U;
constexpr std::size_t path_bytes_max = 4096; // PATH_MAX of Linux
constexpr std::size_t tail_bytes = 1024;     // the end of a tar: two blocks of zeros

// An archive of libarchive over an open file.
class Stream {
public:
  Stream(world::SourceFile& file, const std::string& name)
      : file_{file}, name_{name}, reader_{archive_read_new()}, buffer_(block_bytes, '\0') {
    CHECK(reader_ != nullptr);
    base::allow_compressions(reader_.get());
  }
  archive* get() const { return reader_.get(); }

  int open() {
    archive_read_set_seek_callback(reader_.get(), seek);
    return archive_read_open(reader_.get(), this, nullptr, read, nullptr);
  }
  Error damaged() const {
    if (failed_)
      return *failed_;
    const char* text = archive_error_string(reader_.get());
    return {ErrorKind::corrupt,
            "'" + name_ + "' is cut or damaged: " +
                base::printable(text == nullptr ? "it cannot be read" : text),
            "Nothing was imported. Take another copy of it."};
  }

private:
  static la_ssize_t read(archive*, void* of, const void** bytes) {
    auto* const self = static_cast<Stream*>(of);
    auto got = self->file_.read({self->buffer_.data(), self->buffer_.size()}, self->position_);
    if (!got) {
      self->failed_ = std::move(got).error();
      return -1;
    }
    self->position_ += got.value();
    *bytes = self->buffer_.data();
    return static_cast<la_ssize_t>(got.value());
  }
  static la_int64_t seek(archive*, void* of, la_int64_t offset, int from) {
    auto* const self = static_cast<Stream*>(of);
    const auto now = self->file_.now();
    if (!now)
      return ARCHIVE_FATAL;
    const auto base = from == SEEK_SET   ? 0
                      : from == SEEK_CUR ? static_cast<la_int64_t>(self->position_)
                                         : static_cast<la_int64_t>(now.value().size_bytes);
    self->position_ = static_cast<std::uint64_t>(std::max<la_int64_t>(base + offset, 0));
    return static_cast<la_int64_t>(self->position_);
  }

  world::SourceFile& file_;
  const std::string& name_;
  std::unique_ptr<archive, base::FreeRead> reader_;
  std::string buffer_;
  std::uint64_t position_ = 0;
  std::optional<Error> failed_;
};

Error unsafe(const std::string& name, const std::string& entry, const std::string& problem) {
  return {ErrorKind::invalid_input, "'" + base::printable(entry) + "' in '" + name + "' " + problem,
          "Nothing was imported. Do not trust this archive."};
}

Result<std::string> plain_path(const char* raw, const std::string& archive) {
  const std::string path = raw == nullptr ? "" : raw;
  if (path.empty() || path.front() == '/')
    return unsafe(archive, path, path.empty() ? "has no name" : "is absolute");
  if (path.size() > path_bytes_max)
    return unsafe(archive, path.substr(0, 60) + "...",
                  "has a path of " + std::to_string(path.size()) + " bytes");
  std::vector<std::string> parts;
  for (std::string& part : base::split(path, '/')) {
    if (part == "..")
      return unsafe(archive, path, "leads out of its folder");
    if (!part.empty() && part != ".")
      parts.push_back(std::move(part));
  }
  return base::join(parts, "/");
}

std::optional<NodeType> archived_type(mode_t kind) {
  switch (kind) {
  case AE_IFREG: return NodeType::file;
  case AE_IFDIR: return NodeType::folder;
  case AE_IFLNK: return NodeType::link;
  case AE_IFBLK: return NodeType::block_device;
  case AE_IFCHR: return NodeType::char_device;
  case AE_IFIFO: return NodeType::fifo;
  default: return std::nullopt;
  }
}

std::string text_or_nothing(const char* text) {
  return text == nullptr ? "" : text;
}

Result<ArchiveEntry> entry_of(archive_entry* from, const std::string& archive) {
  ArchiveEntry entry;
  entry.path = TRY(plain_path(archive_entry_pathname(from), archive));
  if (const char* target = archive_entry_hardlink(from); target != nullptr)
    entry.hard_link = TRY(plain_path(target, archive));
  Node& node = entry.node;
  const auto type = archived_type(archive_entry_filetype(from));
  if (!type && entry.hard_link.empty())
    return unsafe(archive, entry.path, "is of a kind that no snapshot keeps");
  node.type = type.value_or(NodeType::file);
  node.name = base::name_of_path("/" + entry.path);
  node.mode = archive_entry_perm(from) & 07777U;
  node.uid = static_cast<std::uint32_t>(archive_entry_uid(from));
  node.gid = static_cast<std::uint32_t>(archive_entry_gid(from));
  node.user = text_or_nothing(archive_entry_uname(from));
  node.group = text_or_nothing(archive_entry_gname(from));
  node.mtime = {archive_entry_mtime(from),
                static_cast<std::uint32_t>(archive_entry_mtime_nsec(from))};
  node.atime = node.mtime;
  node.ctime = node.mtime;
  if (node.type == NodeType::link)
    node.target = text_or_nothing(archive_entry_symlink(from));
  if (node.type == NodeType::block_device || node.type == NodeType::char_device)
    node.device = archive_entry_rdev(from);
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  archive_entry_xattr_reset(from);
  while (archive_entry_xattr_next(from, &name, &value, &size) == ARCHIVE_OK)
    node.attributes.push_back({name, {static_cast<const char*>(value), size}});
  std::ranges::sort(node.attributes);
  return entry;
}

Result<std::uint64_t> read_bytes(Stream& stream, const ArchiveEvents& events) {
  const void* block = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  std::uint64_t done = 0;
  int code = ARCHIVE_OK;
  while ((code = archive_read_data_block(stream.get(), &block, &size, &offset)) == ARCHIVE_OK) {
    const std::string zeros(block_bytes, '\0');
    while (done < static_cast<std::uint64_t>(offset)) { // a hole
      const auto count =
          std::min<std::uint64_t>(static_cast<std::uint64_t>(offset) - done, zeros.size());
      TRY(events.bytes(std::string_view{zeros}.substr(0, count)));
      done += count;
    }
    TRY(events.bytes({static_cast<const char*>(block), size}));
    done += size;
  }
  if (code != ARCHIVE_EOF)
    return stream.damaged();
  return done;
}

// What a file is by its name: then it must not be taken for a dump.
bool is_named_archive(const std::string& name) {
  return std::ranges::any_of(std::array{".tar", ".tgz", ".tbz2", ".txz", ".tzst", ".zip"},
                             [&](const char* end) { return name.ends_with(end); }) ||
         name.contains(".tar.");
}

struct Whole { // of the stream that is in a file, when it is unpacked
  std::uint64_t bytes = 0;
  std::uint32_t crc = 0;
  bool is_gzip = false;
  bool is_packed = false;
  std::string head;
  std::string tail;
};

Result<Whole> read_whole(world::SourceFile& file, const std::string& name) {
  Stream stream{file, name};
  archive_read_support_format_raw(stream.get());
  archive_entry* entry = nullptr;
  if (stream.open() != ARCHIVE_OK || archive_read_next_header(stream.get(), &entry) != ARCHIVE_OK)
    return stream.damaged();
  Whole whole;
  whole.is_packed = archive_filter_count(stream.get()) > 1;
  whole.is_gzip = whole.is_packed && archive_filter_code(stream.get(), 0) == ARCHIVE_FILTER_GZIP;
  std::string bytes(block_bytes, '\0');
  la_ssize_t got = 0;
  while ((got = archive_read_data(stream.get(), bytes.data(), bytes.size())) > 0) {
    const std::string_view now{bytes.data(), static_cast<std::size_t>(got)};
    whole.bytes += now.size();
    if (whole.is_gzip)
      whole.crc = base::crc32(now, whole.crc);
    if (whole.head.size() < tail_bytes)
      whole.head += now.substr(0, tail_bytes - whole.head.size());
    whole.tail += now.substr(now.size() - std::min(now.size(), tail_bytes));
    whole.tail.erase(0, whole.tail.size() - std::min(whole.tail.size(), tail_bytes));
  }
  if (got < 0)
    return stream.damaged();
  return whole;
}

// libarchive does not look at the end of a gzip file: the CRC and the size of what was packed.
Result<bool> has_gzip_end(world::SourceFile& file, const Whole& whole) {
  const std::uint64_t size = TRY(file.now()).size_bytes;
  std::array<char, 8> end{};
  if (size < end.size() || TRY(file.read(end, size - end.size())) != end.size())
    return false;
  const auto number = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t byte = 4; byte-- > 0;)
      value = value << 8U | static_cast<unsigned char>(end[at + byte]);
    return value;
  };
  return number(0) == whole.crc && number(4) == static_cast<std::uint32_t>(whole.bytes);
}

Error cut(const std::string& name, const std::string& why) {
  return {ErrorKind::corrupt, "'" + name + "' is cut or damaged: " + why,
          "Nothing was imported. Take another copy of it."};
}

// The programs that write dumps say so when they are through.
bool is_dump_without_end(const Whole& whole) {
  return (whole.head.contains("-- PostgreSQL database dump") &&
          !whole.tail.contains("dump complete")) ||
         ((whole.head.contains("-- MySQL dump") || whole.head.contains("-- MariaDB dump")) &&
          !whole.tail.contains("-- Dump completed"));
}

} // namespace

Result<ArchiveSummary> read_archive(world::SourceFile& file, const std::string& name,
                                    const ArchiveEvents& events) {
  Stream stream{file, name};
  archive_read_support_format_tar(stream.get());
  archive_read_support_format_zip(stream.get());
  archive_entry* from = nullptr;
  int code = stream.open();
  code = code == ARCHIVE_OK ? archive_read_next_header(stream.get(), &from) : code;
  ArchiveSummary summary;
  if (archive_format(stream.get()) == 0 && !is_named_archive(name)) {
    summary.is_dump = true;
    return summary;
  }
  for (; code == ARCHIVE_OK || code == ARCHIVE_WARN;
       code = archive_read_next_header(stream.get(), &from)) {
    ArchiveEntry entry = TRY(entry_of(from, name));
    ++summary.entries;
    const bool has_bytes = entry.node.type == NodeType::file && entry.hard_link.empty();
    TRY(events.begin(std::move(entry)));
    if (has_bytes)
      summary.bytes += TRY(read_bytes(stream, events));
    TRY(events.end());
  }
  if (code != ARCHIVE_EOF)
    return stream.damaged();
  return summary;
}

Result<ArchiveSummary> verify_archive(world::SourceFile& file, const std::string& name) {
  if (TRY(file.now()).size_bytes == 0)
    return cut(name, "it is empty");
  const Whole whole = TRY(read_whole(file, name));
  if (whole.is_gzip && !TRY(has_gzip_end(file, whole)))
    return cut(name, "its content is not what its checksum says");
  bool is_tar = false;
  const ArchiveEvents nothing{[](const ArchiveEntry&) { return ok(); },
                              [](std::string_view) { return ok(); }, [] { return ok(); }};
  ArchiveSummary summary = TRY(read_archive(file, name, nothing));
  is_tar = !summary.is_dump && !whole.head.starts_with("PK");
  if (is_tar && whole.tail.find_first_not_of('\0') != std::string::npos)
    return cut(name, "the end of the archive is missing");
  if (summary.is_dump && is_dump_without_end(whole))
    return cut(name, "the last line of the dump is missing");
  if (summary.is_dump)
    summary.bytes = whole.bytes;
  return summary;
}

} // namespace repo
