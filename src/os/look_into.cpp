#include "os/look_into.hpp"

#include "base/archive_filters.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <memory>

#include <archive.h>
#include <archive_entry.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

constexpr std::size_t look_bytes = 256U << 10U;
constexpr std::uint64_t looked_bytes_max = 20ULL << 30U; // as when it is unpacked
constexpr std::uint64_t looked_entries_max = 2'000'000;

Error unreadable(const std::string& path, archive* reader) {
  const char* text = archive_error_string(reader);
  return {ErrorKind::invalid_input,
          "'" + path + "': " + (text == nullptr ? "not an archive" : base::printable(text)), ""};
}

// "./.env" is ".env"; "shop-1.2/.env" is it too.
const std::string* wanted(const std::vector<std::string>& names, std::string_view entry) {
  while (entry.starts_with("./"))
    entry.remove_prefix(2);
  const auto slash = entry.find('/');
  const auto is_it = [&](const std::string& name) {
    return entry == name || (slash != std::string_view::npos && entry.substr(slash + 1) == name);
  };
  const auto found = std::ranges::find_if(names, is_it);
  return found == names.end() ? nullptr : &*found;
}

// Reads the data of the entry: its number of bytes, and the first of them.
Result<std::uint64_t> read_entry(archive* reader, const std::string& path, std::size_t text_max,
                                 std::string* text) {
  std::uint64_t bytes = 0;
  const void* block = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  int code = ARCHIVE_OK;
  while ((code = archive_read_data_block(reader, &block, &size, &offset)) == ARCHIVE_OK) {
    bytes += size;
    if (bytes > looked_bytes_max)
      break;
    if (text != nullptr && text->size() < text_max)
      text->append(static_cast<const char*>(block), std::min(size, text_max - text->size()));
  }
  if (code != ARCHIVE_EOF && code != ARCHIVE_OK)
    return unreadable(path, reader);
  return bytes;
}

} // namespace

Result<world::ArchiveContents> look_into_archive(const std::string& path,
                                                 const std::vector<std::string>& names,
                                                 std::size_t text_bytes_max) {
  const std::unique_ptr<archive, base::FreeRead> reader{archive_read_new()};
  CHECK(reader != nullptr);
  base::allow_compressions(reader.get());
  archive_read_support_format_tar(reader.get());
  archive_read_support_format_zip(reader.get());
  if (archive_read_open_filename(reader.get(), path.c_str(), look_bytes) != ARCHIVE_OK)
    return unreadable(path, reader.get());
  world::ArchiveContents contents;
  archive_entry* entry = nullptr;
  std::uint64_t entries = 0;
  int code = ARCHIVE_OK;
  while ((code = archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK ||
         code == ARCHIVE_WARN) {
    const char* raw = archive_entry_pathname(entry);
    const bool is_file =
        archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == nullptr;
    const std::string* name = is_file && raw != nullptr ? wanted(names, raw) : nullptr;
    if (name != nullptr || archive_entry_size_is_set(entry) == 0) {
      std::string text;
      contents.bytes += TRY(read_entry(reader.get(), path, text_bytes_max, &text));
      if (name != nullptr)
        contents.texts.emplace(*name, std::move(text)); // the first of two wins
    } else if (archive_entry_size(entry) > 0) {
      contents.bytes += static_cast<std::uint64_t>(archive_entry_size(entry));
    }
    if (++entries > looked_entries_max || contents.bytes > looked_bytes_max)
      return Error{ErrorKind::invalid_input,
                   "'" + path + "' unpacks to more than " + base::format_bytes(looked_bytes_max),
                   ""};
  }
  if (code != ARCHIVE_EOF)
    return unreadable(path, reader.get());
  return contents;
}

} // namespace os
