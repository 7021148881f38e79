#include "os/folders.hpp"

#include "base/text.hpp"
#include "os/fd.hpp"
#include "os/folder_write.hpp"
#include "os/tree_walk.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
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

constexpr std::size_t not_kept_max = 100;

EntryType type_of(std::uint32_t mode) {
  switch (mode & S_IFMT) {
  case S_IFDIR: return EntryType::folder;
  case S_IFLNK: return EntryType::link;
  case S_IFBLK: return EntryType::block_device;
  case S_IFCHR: return EntryType::char_device;
  case S_IFIFO: return EntryType::fifo;
  case S_IFSOCK: return EntryType::socket;
  default: return EntryType::file;
  }
}

world::Moment moment_of(const struct statx_timestamp& time) {
  return {time.tv_sec, time.tv_nsec};
}

Entry entry_of(const struct statx& info) {
  Entry entry;
  entry.type = type_of(info.stx_mode);
  entry.mode = info.stx_mode & 07777U;
  entry.user = info.stx_uid;
  entry.group = info.stx_gid;
  entry.size_bytes = entry.type == EntryType::file ? info.stx_size : 0;
  entry.allocated_bytes = info.stx_blocks * 512;
  entry.device = ::makedev(info.stx_dev_major, info.stx_dev_minor);
  entry.inode = info.stx_ino;
  entry.links = info.stx_nlink;
  if (entry.type == EntryType::block_device || entry.type == EntryType::char_device)
    entry.special = ::makedev(info.stx_rdev_major, info.stx_rdev_minor);
  entry.mtime = moment_of(info.stx_mtime);
  entry.atime = moment_of(info.stx_atime);
  entry.ctime = moment_of(info.stx_ctime);
  return entry;
}

Result<Entry> look_at_name(int folder, const std::string& name, const std::string& whole) {
  struct statx info {};
  const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (name.empty() ? AT_EMPTY_PATH : 0);
  if (::statx(folder, name.c_str(), flags, STATX_BASIC_STATS, &info) != 0)
    return error_of(errno, "look at", whole);
  return entry_of(info);
}

// There is no system call for "this name in that folder"; /proc/self/fd is the way to say it.
std::string path_by_descriptor(int folder, const std::string& name) {
  return "/proc/self/fd/" + std::to_string(folder) + (name.empty() ? "" : "/") + name;
}

Result<std::string> attribute_names(const std::string& path, bool is_folder,
                                    const std::string& whole) {
  std::array<char, 1024> small{};
  const auto list = [&](char* to, std::size_t size) {
    return is_folder ? ::listxattr(path.c_str(), to, size) : ::llistxattr(path.c_str(), to, size);
  };
  const auto size = list(small.data(), small.size());
  if (size >= 0)
    return std::string{small.data(), static_cast<std::size_t>(size)};
  if (errno == ENOTSUP)
    return std::string{};
  if (errno != ERANGE)
    return error_of(errno, "list the attributes of", whole);
  std::string names(XATTR_LIST_MAX, '\0');
  const auto more = list(names.data(), names.size());
  if (more < 0)
    return error_of(errno, "list the attributes of", whole);
  names.resize(static_cast<std::size_t>(more));
  return names;
}

// `name` empty: the folder itself, through the link that /proc has.
Result<> add_attributes(int folder, const std::string& name, const std::string& whole,
                        Entry& entry) {
  const std::string path = path_by_descriptor(folder, name);
  const bool is_itself = name.empty();
  const std::string names = TRY(attribute_names(path, is_itself, whole));
  for (std::size_t at = 0; at < names.size();) {
    const std::string key = names.c_str() + at;
    at += key.size() + 1;
    std::string value(XATTR_SIZE_MAX, '\0');
    const auto size = is_itself
                          ? ::getxattr(path.c_str(), key.c_str(), value.data(), value.size())
                          : ::lgetxattr(path.c_str(), key.c_str(), value.data(), value.size());
    if (size < 0 && errno == ENODATA)
      continue; // it went since
    if (size < 0)
      return error_of(errno, "read the attribute " + key + " of", whole);
    value.resize(static_cast<std::size_t>(size));
    entry.attributes.emplace_back(key, std::move(value));
  }
  return ok();
}

Result<> add_target(int folder, const std::string& name, const std::string& whole, Entry& entry) {
  std::array<char, PATH_MAX> target{};
  const auto length = ::readlinkat(folder, name.c_str(), target.data(), target.size());
  if (length < 0)
    return error_of(errno, "read the link", whole);
  entry.target.assign(target.data(), static_cast<std::size_t>(length));
  return ok();
}

Result<Entry> whole_entry(int folder, const std::string& name, const std::string& whole) {
  Entry entry = TRY(look_at_name(folder, name, whole));
  entry.name = name;
  if (entry.type == EntryType::link)
    TRY(add_target(folder, name, whole, entry));
  TRY(add_attributes(folder, name, whole, entry));
  return entry;
}

int open_quietly(int folder, const std::string& name, int flags) {
  flags |= O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const int number = ::openat(folder, name.c_str(), flags | O_NOATIME);
  return number < 0 && errno == EPERM ? ::openat(folder, name.c_str(), flags) : number;
}

class SourceFile final : public world::SourceFile {
public:
  SourceFile(Fd file, std::string whole) : file_{std::move(file)}, whole_{std::move(whole)} {}

  Result<std::size_t> read(std::span<char> to, std::uint64_t offset) override {
    std::size_t got = 0;
    while (got < to.size()) {
      const auto count =
          ::pread(file_.get(), to.data() + got, to.size() - got, static_cast<off_t>(offset + got));
      if (count < 0 && errno == EINTR)
        continue;
      if (count < 0)
        return error_of(errno, "read", whole_);
      if (count == 0)
        break;
      got += static_cast<std::size_t>(count);
    }
    return got;
  }

  Result<std::pair<std::uint64_t, std::uint64_t>> next_data(std::uint64_t offset) override {
    using Range = std::pair<std::uint64_t, std::uint64_t>;
    const auto data = ::lseek(file_.get(), static_cast<off_t>(offset), SEEK_DATA);
    if (data < 0 && errno == ENXIO)
      return Range{};
    const auto hole = data < 0 ? data : ::lseek(file_.get(), data, SEEK_HOLE);
    if (hole < 0)
      return error_of(errno, "look for holes in", whole_);
    return Range{static_cast<std::uint64_t>(data), static_cast<std::uint64_t>(hole)};
  }

  Result<Entry> now() override { return look_at_name(file_.get(), "", whole_); }

private:
  Fd file_;
  std::string whole_;
};

class Folder final : public world::Folder {
public:
  Folder(Fd fd, std::string path, NotKept& not_kept)
      : fd_{std::move(fd)}, path_{std::move(path)}, not_kept_{not_kept} {}

  Result<std::vector<Entry>> list() override {
    std::vector<std::string> names = TRY(names_in(fd_, path_));
    std::ranges::sort(names);
    std::vector<Entry> entries;
    entries.reserve(names.size());
    for (const std::string& name : names) {
      auto entry = whole_entry(fd_.get(), name, whole(name));
      if (entry)
        entries.push_back(std::move(entry).value());
      else if (entry.error().kind != ErrorKind::not_found)
        return std::move(entry).error();
    }
    return entries;
  }

  Result<Entry> now() override { return whole_entry(fd_.get(), "", path_); }

  Result<std::unique_ptr<world::Folder>> open_folder(const std::string& name) override {
    Fd folder{open_quietly(fd_.get(), name, O_DIRECTORY)};
    if (!folder && (errno == ELOOP || errno == ENOTDIR))
      return Error{ErrorKind::conflict, "'" + whole(name) + "' is no longer a folder", ""};
    if (!folder)
      return error_of(errno, "open", whole(name));
    return make(std::move(folder), name);
  }

  Result<std::unique_ptr<world::SourceFile>> open_file(const std::string& name) override {
    Fd file{open_quietly(fd_.get(), name, 0)};
    if (!file && errno != ELOOP && errno != ENXIO)
      return error_of(errno, "open", whole(name));
    if (!file || TRY(look_at_name(file.get(), "", whole(name))).type != EntryType::file)
      return Error{ErrorKind::conflict, "'" + whole(name) + "' is no longer a file", ""};
    return std::unique_ptr<world::SourceFile>{
        std::make_unique<SourceFile>(std::move(file), whole(name))};
  }

  Result<std::unique_ptr<world::Folder>> make_folder(const std::string& name) override {
    if (::mkdirat(fd_.get(), name.c_str(), 0700) != 0)
      return error_of(errno, "make the folder", whole(name));
    return open_folder(name);
  }

  Result<std::unique_ptr<world::NewFile>> make_file(const std::string& name) override {
    return begin_file(fd_, name, whole(name), not_kept_);
  }

  Result<> make_hard_link(const std::string& name, world::Folder& folder,
                          const std::string& existing) override {
    // Every folder there is was made by this class.
    const auto& other = static_cast<Folder&>(folder); // NOLINT
    if (::linkat(other.fd_.get(), existing.c_str(), fd_.get(), name.c_str(), 0) != 0)
      return error_of(errno, "make the hard link", whole(name));
    return ok();
  }

  Result<> make_other(const Entry& entry) override {
    return os::make_other(fd_, entry, whole(entry.name), not_kept_);
  }
  Result<> finish(const Entry& entry) override {
    return put_metadata(fd_, entry, path_, not_kept_);
  }

private:
  std::string whole(const std::string& name) const {
    return path_ == "/" ? path_ + name : path_ + "/" + name;
  }
  Result<std::unique_ptr<world::Folder>> make(Fd folder, const std::string& name) {
    return std::unique_ptr<world::Folder>{
        std::make_unique<Folder>(std::move(folder), whole(name), not_kept_)};
  }

  Fd fd_;
  std::string path_;
  NotKept& not_kept_;
};

// A deep tree holds as many folders open as it is deep. Only asked for when trees are worked on:
// what we start inherits it.
void allow_many_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

} // namespace

void NotKept::add(const std::string& what) {
  const std::scoped_lock guard{mutex_};
  if (all_.size() < not_kept_max)
    all_.push_back(what);
}

std::vector<std::string> NotKept::all() {
  const std::scoped_lock guard{mutex_};
  return all_;
}

Result<std::unique_ptr<world::Folder>> Folders::open(const std::string& path) {
  allow_many_open_files();
  auto folder = open_file(path, O_RDONLY | O_DIRECTORY);
  if (!folder && folder.error().kind == ErrorKind::not_found && ::access(path.c_str(), F_OK) == 0)
    return Error{ErrorKind::conflict, "'" + path + "' is no folder", ""};
  if (!folder)
    return std::move(folder).error();
  return std::unique_ptr<world::Folder>{
      std::make_unique<Folder>(std::move(folder).value(), path, not_kept_)};
}

Result<Entry> Folders::look(const std::string& path) {
  if (path == "/") {
    const Fd root = TRY(open_file(path, O_RDONLY | O_DIRECTORY));
    return whole_entry(root.get(), "", path);
  }
  const Fd folder = TRY(open_file(base::parent_of(path), O_PATH | O_DIRECTORY));
  return whole_entry(folder.get(), base::name_of_path(path), path);
}

Result<std::unique_ptr<world::Folder>> Folders::open_empty(const std::string& path) {
  const EffectScope scope{effects_, "folders.open_empty", path};
  allow_many_open_files();
  std::vector<std::string> missing;
  for (std::string at = path; ::access(at.c_str(), F_OK) != 0; at = base::parent_of(at)) {
    if (errno != ENOENT)
      return error_of(errno, "look at", at);
    missing.push_back(at);
  }
  for (auto folder = missing.rbegin(); folder != missing.rend(); ++folder)
    if (::mkdir(folder->c_str(), 0700) != 0 && errno != EEXIST)
      return error_of(errno, "make the folder", *folder);
  Fd folder = TRY(open_file(path, O_RDONLY | O_DIRECTORY));
  if (!TRY(names_in(folder, path)).empty())
    return Error{ErrorKind::conflict, "the folder '" + path + "' is not empty",
                 "Name a folder that is empty or does not exist yet."};
  return std::unique_ptr<world::Folder>{
      std::make_unique<Folder>(std::move(folder), path, not_kept_)};
}

Result<> Folders::sync(const std::string& path) {
  const Fd folder = TRY(open_file(path, O_RDONLY));
  if (::syncfs(folder.get()) != 0)
    return error_of(errno, "sync the file system of", path);
  return ok();
}

} // namespace os
