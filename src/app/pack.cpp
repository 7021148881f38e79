#include "app/pack.hpp"

#include <memory>

#include <archive.h>
#include <archive_entry.h>

namespace app {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

struct FreeWrite {
  void operator()(archive* writer) const { archive_write_free(writer); }
};
struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

la_ssize_t take_bytes(archive*, void* to, const void* bytes, std::size_t size) {
  static_cast<std::string*>(to)->append(static_cast<const char*>(bytes), size);
  return static_cast<la_ssize_t>(size);
}

Error pack_error(archive* writer) {
  const char* text = archive_error_string(writer);
  return {ErrorKind::failed,
          std::string{"unable to make the archive: "} +
              (text == nullptr ? "libarchive does not say why" : text),
          ""};
}

} // namespace

Result<std::string> pack(const std::vector<PackedFile>& files, world::TimePoint at) {
  std::string bytes; // outlives the writer, which may write when it is freed
  const std::unique_ptr<archive, FreeWrite> writer{archive_write_new()};
  CHECK(writer != nullptr);
  archive_write_set_format_pax_restricted(writer.get());
  if (archive_write_add_filter_gzip(writer.get()) != ARCHIVE_OK ||
      archive_write_open(writer.get(), &bytes, nullptr, take_bytes, nullptr) != ARCHIVE_OK)
    return pack_error(writer.get());
  for (const PackedFile& file : files) {
    const std::unique_ptr<archive_entry, FreeEntry> entry{archive_entry_new()};
    CHECK(entry != nullptr);
    archive_entry_set_pathname(entry.get(), file.name.c_str());
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0600);
    archive_entry_set_mtime(entry.get(), std::chrono::system_clock::to_time_t(at), 0);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(file.bytes.size()));
    if (archive_write_header(writer.get(), entry.get()) != ARCHIVE_OK ||
        archive_write_data(writer.get(), file.bytes.data(), file.bytes.size()) !=
            static_cast<la_ssize_t>(file.bytes.size()))
      return pack_error(writer.get());
  }
  if (archive_write_close(writer.get()) != ARCHIVE_OK)
    return pack_error(writer.get());
  return bytes;
}

} // namespace app
