#include "os/unpack.hpp"

#include "base/archive_filters.hpp"
#include "base/text.hpp"
#include "os/fd.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <set>

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr std::size_t block_bytes = 256U << 10U;
constexpr std::uint64_t entries_max = 2'000'000;

struct FreeWrite {
  void operator()(archive* writer) const { archive_write_free(writer); }
};

Error unsafe(const std::string& archive, const std::string& name, const std::string& problem) {
  return {ErrorKind::invalid_input,
          "'" + archive + "' holds '" + base::printable(name) + "', which " + problem,
          "Do not use this archive."};
}

Error archive_error(archive* handle, const std::string& path) {
  const int number = archive_errno(handle);
  const char* text = archive_error_string(handle);
  Error error{ErrorKind::invalid_input,
              "'" + path + "': " + (text == nullptr ? "not an archive" : base::printable(text)),
              ""};
  if (number == ENOSPC || number == EDQUOT)
    error.kind = ErrorKind::no_space;
  return error;
}

// "./a//b/" -> "a/b"
std::string plain_name(const std::string& name) {
  std::string plain;
  for (const std::string& part : base::split(name, '/'))
    if (!part.empty() && part != ".")
      plain += "/" + part;
  return plain;
}

class Unpack {
public:
  Unpack(std::string archive, std::string to, std::uint64_t bytes_max)
      : path_{std::move(archive)}, to_{std::move(to)}, bytes_max_{bytes_max} {}

  Result<> run() {
    if (::mkdir(to_.c_str(), 0755) != 0)
      return error_of(errno, "create", to_);
    reader_.reset(archive_read_new());
    writer_.reset(archive_write_disk_new());
    CHECK(reader_ != nullptr && writer_ != nullptr);
    base::allow_compressions(reader_.get());
    archive_read_support_format_tar(reader_.get());
    archive_read_support_format_zip(reader_.get());
    // No owners: a release belongs to who unpacks it. SECURE_SYMLINKS: no entry is written through
    // a link that another entry made.
    archive_write_disk_set_options(writer_.get(), ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME |
                                                      ARCHIVE_EXTRACT_SECURE_SYMLINKS |
                                                      ARCHIVE_EXTRACT_SECURE_NODOTDOT);
    if (archive_read_open_filename(reader_.get(), path_.c_str(), block_bytes) != ARCHIVE_OK)
      return archive_error(reader_.get(), path_);
    archive_entry* entry = nullptr;
    int code = ARCHIVE_OK;
    while ((code = archive_read_next_header(reader_.get(), &entry)) == ARCHIVE_OK ||
           code == ARCHIVE_WARN)
      TRY(take(entry));
    if (code != ARCHIVE_EOF)
      return archive_error(reader_.get(), path_);
    if (archive_write_close(writer_.get()) != ARCHIVE_OK)
      return archive_error(writer_.get(), path_);
    return ok();
  }

private:
  Result<> take(archive_entry* entry) {
    const char* raw = archive_entry_pathname(entry);
    const std::string name = raw == nullptr ? "" : raw;
    if (std::string problem = archive_name_problem(name); !problem.empty())
      return unsafe(path_, name, problem);
    if (++entries_ > entries_max)
      return unsafe(path_, name, "is one of too many entries");
    const auto kind = archive_entry_filetype(entry);
    // Which of two would win differs between programs: that is how something is smuggled in.
    if (!names_.insert(plain_name(name)).second && kind != AE_IFDIR)
      return unsafe(path_, name, "is in it twice");
    const bool is_link = archive_entry_hardlink(entry) != nullptr;
    if (plain_name(name).empty() && (is_link || kind != AE_IFDIR))
      return unsafe(path_, name, "is the folder itself, and no folder");
    if (!is_link && kind != AE_IFREG && kind != AE_IFDIR && kind != AE_IFLNK)
      return unsafe(path_, name, "is a device, a pipe or a socket");
    if (kind == AE_IFLNK)
      TRY(check_link(entry, name));
    if (is_link) {
      const std::string target = archive_entry_hardlink(entry);
      if (std::string problem = archive_name_problem(target); !problem.empty())
        return unsafe(path_, name, "links to '" + target + "', which " + problem);
      archive_entry_set_hardlink(entry, (to_ + "/" + target).c_str());
    }
    archive_entry_set_pathname(entry, (to_ + "/" + name).c_str());
    archive_entry_set_perm(entry, archive_entry_perm(entry) & 0777U); // no set-id bits
    if (archive_write_header(writer_.get(), entry) != ARCHIVE_OK)
      return archive_error(writer_.get(), path_);
    if (archive_entry_size(entry) > 0)
      TRY(copy_data());
    if (archive_write_finish_entry(writer_.get()) != ARCHIVE_OK)
      return archive_error(writer_.get(), path_);
    return ok();
  }

  // A link may lead anywhere inside; out of the folder it may not.
  Result<> check_link(archive_entry* entry, const std::string& name) const {
    const char* raw = archive_entry_symlink(entry);
    const std::string target = raw == nullptr ? "" : raw;
    if (std::string problem = archive_link_problem(name, target); !problem.empty())
      return unsafe(path_, name, problem);
    return ok();
  }

  Result<> copy_data() {
    const void* block = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    int code = ARCHIVE_OK;
    while ((code = archive_read_data_block(reader_.get(), &block, &size, &offset)) == ARCHIVE_OK) {
      bytes_ += size;
      if (bytes_ > bytes_max_ || static_cast<std::uint64_t>(offset) > bytes_max_)
        return Error{ErrorKind::invalid_input,
                     "'" + path_ + "' unpacks to more than " + base::format_bytes(bytes_max_), ""};
      if (archive_write_data_block(writer_.get(), block, size, offset) != ARCHIVE_OK)
        return archive_error(writer_.get(), path_);
    }
    if (code != ARCHIVE_EOF)
      return archive_error(reader_.get(), path_);
    return ok();
  }

  std::string path_;
  std::string to_;
  std::uint64_t bytes_max_;
  std::uint64_t bytes_ = 0;
  std::uint64_t entries_ = 0;
  std::set<std::string> names_;
  std::unique_ptr<archive, base::FreeRead> reader_;
  std::unique_ptr<archive, FreeWrite> writer_;
};

} // namespace

std::string archive_name_problem(std::string_view name) {
  if (name.empty())
    return "has no name";
  if (name.size() > 4000)
    return "has too long a name";
  if (name.front() == '/')
    return "is absolute";
  if (name.contains('\0') || name.contains('\\'))
    return "has a byte in its name that no path may have";
  for (const std::string& part : base::split(name, '/'))
    if (part == "..")
      return "leads out of its folder";
  return "";
}

std::string archive_link_problem(std::string_view name, std::string_view target) {
  const std::string shown = "is a link to '" + base::printable(target) + "', ";
  if (target.empty() || target.front() == '/' || target.contains('\0'))
    return shown + "out of its folder";
  const std::string from = base::parent_of("/root/" + std::string{name});
  if (!base::is_inside(base::absolute_path(target, from), "/root"))
    return shown + "out of its folder";
  bool was_ordinary = false;
  for (const std::string& part : base::split(target, '/')) {
    if (part == ".." && was_ordinary)
      return shown + "which goes down and up again";
    was_ordinary = was_ordinary || (part != ".." && part != "." && !part.empty());
  }
  // Up from its own folder: every part of that may be a link that an earlier entry made.
  return "";
}

Result<> unpack_archive(const std::string& archive, const std::string& to,
                        std::uint64_t bytes_max) {
  // The parent without links: SECURE_SYMLINKS would refuse a link on the way to our own folder.
  char* real = ::realpath(base::parent_of(to).c_str(), nullptr);
  if (real == nullptr)
    return error_of(errno, "find", base::parent_of(to));
  const std::string folder = std::string{real} + "/" + base::name_of_path(to);
  std::free(real);
  return Unpack{archive, folder, bytes_max}.run();
}

} // namespace os
