#include "os/folder_write.hpp"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::Entry;
using world::EntryType;

namespace {

std::array<timespec, 2> times_of(const Entry& entry) {
  const auto time_of = [](const world::Moment& moment) {
    return timespec{static_cast<time_t>(moment.seconds), static_cast<long>(moment.nanoseconds)};
  };
  return {time_of(entry.atime), time_of(entry.mtime)};
}

// Only root may give files away and set labels; everybody else keeps what can be kept.
bool is_for_want_of_privilege(int number) {
  return (number == EPERM || number == EACCES) && ::geteuid() != 0;
}
bool may_be_refused(const std::string& attribute) {
  return attribute.starts_with("trusted.") || attribute.starts_with("security.");
}

Result<> owner_failed(const std::string& whole, NotKept& not_kept) {
  const int number = errno;
  if (!is_for_want_of_privilege(number))
    return error_of(number, "set the owner of", whole);
  not_kept.add(whole + ": owner");
  return ok();
}

Result<> attribute_failed(const std::string& name, const std::string& whole, NotKept& not_kept) {
  const int number = errno;
  if (number != ENOTSUP && !(number == EPERM && may_be_refused(name)) &&
      !is_for_want_of_privilege(number))
    return error_of(number, "set the attribute " + name + " of", whole);
  not_kept.add(whole + ": " + name);
  return ok();
}

class NewFile final : public world::NewFile {
public:
  NewFile(Fd file, std::string whole, NotKept& not_kept)
      : file_{std::move(file)}, whole_{std::move(whole)}, not_kept_{not_kept} {}

  Result<> write(std::string_view bytes, std::uint64_t offset) override {
    while (!bytes.empty()) {
      const auto written =
          ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        return error_of(errno, "write", whole_);
      bytes.remove_prefix(static_cast<std::size_t>(written));
      offset += static_cast<std::uint64_t>(written);
    }
    return ok();
  }

  Result<> finish(const Entry& entry) override {
    struct stat info {};
    if (::fstat(file_.get(), &info) != 0)
      return error_of(errno, "look at", whole_);
    if (static_cast<std::uint64_t>(info.st_size) != entry.size_bytes &&
        ::ftruncate(file_.get(), static_cast<off_t>(entry.size_bytes)) != 0)
      return error_of(errno, "set the size of", whole_);
    TRY(put_metadata(file_, entry, whole_, not_kept_));
    return file_.close(whole_);
  }

private:
  Fd file_;
  std::string whole_;
  NotKept& not_kept_;
};

} // namespace

Result<std::unique_ptr<world::NewFile>> begin_file(const Fd& folder, const std::string& name,
                                                   const std::string& whole, NotKept& not_kept) {
  Fd file{::openat(folder.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                   0600)};
  if (!file)
    return error_of(errno, "make the file", whole);
  return std::unique_ptr<world::NewFile>{
      std::make_unique<NewFile>(std::move(file), whole, not_kept)};
}

Result<> put_metadata(const Fd& file, const Entry& entry, const std::string& whole,
                      NotKept& not_kept) {
  if (::fchown(file.get(), entry.user, entry.group) != 0)
    TRY(owner_failed(whole, not_kept));
  for (const auto& [name, value] : entry.attributes)
    if (::fsetxattr(file.get(), name.c_str(), value.data(), value.size(), 0) != 0)
      TRY(attribute_failed(name, whole, not_kept));
  if (::fchmod(file.get(), entry.mode & 07777U) != 0)
    return error_of(errno, "set the mode of", whole);
  const auto times = times_of(entry);
  if (::futimens(file.get(), times.data()) != 0)
    return error_of(errno, "set the times of", whole);
  return ok();
}

Result<> make_other(const Fd& folder, const Entry& entry, const std::string& whole,
                    NotKept& not_kept) {
  const char* const name = entry.name.c_str();
  mode_t type = S_IFSOCK;
  switch (entry.type) {
  case EntryType::block_device: type = S_IFBLK; break;
  case EntryType::char_device: type = S_IFCHR; break;
  case EntryType::fifo: type = S_IFIFO; break;
  default: break;
  }
  const bool is_link = entry.type == EntryType::link;
  if (is_link && ::symlinkat(entry.target.c_str(), folder.get(), name) != 0)
    return error_of(errno, "make the link", whole);
  if (!is_link && ::mknodat(folder.get(), name, type | 0600U, entry.special) != 0)
    return error_of(errno, "make", whole);
  if (::fchownat(folder.get(), name, entry.user, entry.group, AT_SYMLINK_NOFOLLOW) != 0)
    TRY(owner_failed(whole, not_kept));
  const std::string path = "/proc/self/fd/" + std::to_string(folder.get()) + "/" + entry.name;
  for (const auto& [key, value] : entry.attributes)
    if (::lsetxattr(path.c_str(), key.c_str(), value.data(), value.size(), 0) != 0)
      TRY(attribute_failed(key, whole, not_kept));
  // A link has no mode of its own. What is not one was made by us, in a folder of ours.
  if (!is_link && ::fchmodat(folder.get(), name, entry.mode & 07777U, 0) != 0)
    return error_of(errno, "set the mode of", whole);
  const auto times = times_of(entry);
  if (::utimensat(folder.get(), name, times.data(), AT_SYMLINK_NOFOLLOW) != 0)
    return error_of(errno, "set the times of", whole);
  return ok();
}

} // namespace os
