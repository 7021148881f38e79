#include "os/folder_write.hpp"

#include "os/bulk_write.hpp"
#include "os/folder_read.hpp"
#include "os/tree_attributes.hpp"

#include <algorithm>
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

// A folder with a default ACL gives one to all that is made in it, and what was there may have any.
Result<> remove_attributes(const Fd& file, const Entry& entry, const std::string& whole) {
  if (::flistxattr(file.get(), nullptr, 0) <= 0)
    return ok();
  for (const auto& there : TRY(read_attributes(file, whole))) {
    const std::string& name = there.first; // clang 14 takes no binding into a lambda
    const bool is_wanted =
        std::ranges::any_of(entry.attributes, [&](const auto& each) { return each.first == name; });
    const bool is_label = name.starts_with("security.") && name != "security.capability";
    if (!is_wanted && !is_label && ::fremovexattr(file.get(), name.c_str()) != 0 &&
        errno != ENODATA && !is_for_want_of_privilege(errno))
      return error_of(errno, "remove the attribute " + name + " of", whole);
  }
  return ok();
}

Result<> set_size(const Fd& file, std::uint64_t size, const std::string& whole) {
  if (::ftruncate(file.get(), static_cast<off_t>(size)) != 0)
    return error_of(errno, "set the size of", whole);
  return ok();
}

class NewFile final : public world::NewFile {
public:
  NewFile(Fd file, std::string whole, Telling& telling)
      : file_{std::move(file)}, whole_{std::move(whole)}, telling_{telling} {}

  Result<> write(std::string_view bytes, std::uint64_t offset) override {
    const EffectScope scope{telling_.effects, "file.write", whole_};
    return bulk_.write(file_, bytes, offset, whole_);
  }

  Result<> finish(const Entry& entry) override {
    const EffectScope scope{telling_.effects, "file.finish", whole_};
    if (TRY(look_at_name(file_.get(), "", whole_)).size_bytes != entry.size_bytes)
      TRY(set_size(file_, entry.size_bytes, whole_));
    TRY(put_metadata(file_, entry, whole_, telling_.not_kept));
    return file_.close(whole_);
  }

private:
  Fd file_;
  BulkWriter bulk_;
  std::string whole_;
  Telling telling_;
};

class LiveFile final : public world::LiveFile {
public:
  LiveFile(Fd file, std::string whole, Telling& telling)
      : file_{std::move(file)}, whole_{std::move(whole)}, telling_{telling} {}

  Result<std::size_t> read(std::span<char> to, std::uint64_t offset) override {
    return read_at(file_, to, offset, whole_);
  }
  Result<std::pair<std::uint64_t, std::uint64_t>> next_data(std::uint64_t offset) override {
    const std::scoped_lock guard{mutex_}; // there is one position in the file
    return next_data_of(file_, offset, whole_);
  }
  Result<Entry> now() override { return look_at_name(file_.get(), "", whole_); }

  Result<> write(std::string_view bytes, std::uint64_t offset) override {
    const EffectScope scope{telling_.effects, "file.write", whole_};
    TRY(open_to_write());
    return bulk_.write(writable_, bytes, offset, whole_);
  }
  Result<> punch(std::uint64_t offset, std::uint64_t length) override {
    const EffectScope scope{telling_.effects, "file.punch", whole_};
    TRY(open_to_write());
    if (::fallocate(writable_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    static_cast<off_t>(offset), static_cast<off_t>(length)) == 0)
      return ok();
    if (errno != EOPNOTSUPP)
      return error_of(errno, "make a hole in", whole_);
    const std::string zeros(length, '\0');
    return write_at(writable_, zeros, offset, whole_);
  }

  Result<> finish(const Entry& entry) override {
    const EffectScope scope{telling_.effects, "file.finish", whole_};
    if (TRY(now()).size_bytes != entry.size_bytes) {
      TRY(open_to_write());
      TRY(set_size(writable_, entry.size_bytes, whole_));
    }
    if (writable_)
      TRY(writable_.close(whole_));
    TRY(put_metadata(file_, entry, whole_, telling_.not_kept));
    return file_.close(whole_);
  }

private:
  // The very file that was compared, whatever has its name by now.
  Result<> open_to_write() {
    const std::scoped_lock guard{mutex_};
    if (writable_)
      return ok();
    const std::string path = "/proc/self/fd/" + std::to_string(file_.get());
    writable_ = Fd{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
    if (!writable_ && errno == EACCES && ::fchmod(file_.get(), 0600) == 0)
      writable_ = Fd{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
    if (!writable_ && errno == ETXTBSY)
      return Error{ErrorKind::conflict, "'" + whole_ + "' is a program that runs",
                   "Stop what runs it, then restore again."};
    if (!writable_)
      return error_of(errno, "open for writing", whole_);
    return ok();
  }

  Fd file_;
  Fd writable_;
  BulkWriter bulk_;
  std::string whole_;
  Telling telling_;
  std::mutex mutex_;
};

// Only of what is ours and is what it seems: the owner's own bits, through an open descriptor.
bool has_allowed_ourselves(const Fd& folder, const std::string& name, mode_t type, mode_t bits) {
  const Fd itself{::openat(folder.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  struct stat info {};
  return itself && ::fstat(itself.get(), &info) == 0 && (info.st_mode & S_IFMT) == type &&
         ::chmod(("/proc/self/fd/" + std::to_string(itself.get())).c_str(), bits) == 0;
}

} // namespace

Result<std::unique_ptr<world::NewFile>> begin_file(const Fd& folder, const std::string& name,
                                                   const std::string& whole, Telling& telling) {
  Fd file{::openat(folder.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                   0600)};
  if (!file)
    return error_of(errno, "make the file", whole);
  return std::unique_ptr<world::NewFile>{
      std::make_unique<NewFile>(std::move(file), whole, telling)};
}

Result<std::unique_ptr<world::LiveFile>> open_live_file(const Fd& folder, const std::string& name,
                                                        const std::string& whole,
                                                        Telling& telling) {
  Fd file{open_quietly(folder.get(), name, 0)};
  if (!file && errno == EACCES && has_allowed_ourselves(folder, name, S_IFREG, 0600))
    file = Fd{open_quietly(folder.get(), name, 0)};
  if (!file && errno != ELOOP && errno != ENXIO)
    return error_of(errno, "open", whole);
  if (!file || TRY(look_at_name(file.get(), "", whole)).type != EntryType::file)
    return Error{ErrorKind::conflict, "'" + whole + "' is no longer a file", ""};
  return std::unique_ptr<world::LiveFile>{
      std::make_unique<LiveFile>(std::move(file), whole, telling)};
}

Result<Fd> open_live_folder(const Fd& folder, const std::string& name, const std::string& whole) {
  Fd below{open_quietly(folder.get(), name, O_DIRECTORY)};
  if (!below && errno == EACCES && has_allowed_ourselves(folder, name, S_IFDIR, 0700))
    below = Fd{open_quietly(folder.get(), name, O_DIRECTORY)};
  if (!below && (errno == ELOOP || errno == ENOTDIR))
    return Error{ErrorKind::conflict, "'" + whole + "' is no longer a folder", ""};
  if (!below)
    return error_of(errno, "open", whole);
  // Only its owner can know that he may not write in it.
  if (::geteuid() != 0 && ::faccessat(below.get(), ".", W_OK | X_OK, 0) != 0)
    ::fchmod(below.get(), 0700); // when that fails, what is to be made in it tells
  return below;
}

Result<> put_metadata(const Fd& file, const Entry& entry, const std::string& whole,
                      NotKept& not_kept) {
  if (::fchown(file.get(), entry.user, entry.group) != 0)
    TRY(owner_failed(whole, not_kept));
  TRY(remove_attributes(file, entry, whole));
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
