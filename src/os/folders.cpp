#include "os/folders.hpp"

#include "base/text.hpp"
#include "os/fd.hpp"
#include "os/folder_read.hpp"
#include "os/folder_write.hpp"
#include "os/tree_remove.hpp"
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

class Folder final : public world::Folder {
public:
  Folder(Fd fd, std::string path, Telling telling)
      : fd_{std::move(fd)}, path_{std::move(path)}, telling_{telling} {}

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
    return source_file(std::move(file), whole(name));
  }

  Result<std::unique_ptr<world::Folder>> make_folder(const std::string& name) override {
    const std::string path = whole(name);
    const EffectScope scope{telling_.effects, "folder.make", path};
    if (::mkdirat(fd_.get(), name.c_str(), 0700) != 0)
      return error_of(errno, "make the folder", path);
    return open_folder(name);
  }

  Result<std::unique_ptr<world::NewFile>> make_file(const std::string& name) override {
    const std::string path = whole(name);
    const EffectScope scope{telling_.effects, "file.make", path};
    return begin_file(fd_, name, path, telling_);
  }

  Result<> make_hard_link(const std::string& name, world::Folder& folder,
                          const std::string& existing) override {
    const std::string path = whole(name);
    const EffectScope scope{telling_.effects, "file.link", path};
    // Every folder there is was made by this class.
    const auto& other = static_cast<Folder&>(folder); // NOLINT
    if (::linkat(other.fd_.get(), existing.c_str(), fd_.get(), name.c_str(), 0) != 0)
      return error_of(errno, "make the hard link", path);
    return ok();
  }

  Result<> make_other(const Entry& entry) override {
    const std::string path = whole(entry.name);
    const EffectScope scope{telling_.effects, "file.make_other", path};
    return os::make_other(fd_, entry, path, telling_.not_kept);
  }

  Result<std::unique_ptr<world::Folder>> change_folder(const std::string& name) override {
    return make(TRY(open_live_folder(fd_, name, whole(name))), name);
  }
  Result<std::unique_ptr<world::LiveFile>> change_file(const std::string& name) override {
    return open_live_file(fd_, name, whole(name), telling_);
  }
  Result<> remove(const std::string& name) override {
    const std::string path = whole(name);
    const EffectScope scope{telling_.effects, "folder.remove", path};
    return remove_name({fd_, name, path});
  }

  Result<> finish(const Entry& entry) override {
    const EffectScope scope{telling_.effects, "folder.finish", path_};
    return put_metadata(fd_, entry, path_, telling_.not_kept);
  }

private:
  std::string whole(const std::string& name) const {
    return path_ == "/" ? path_ + name : path_ + "/" + name;
  }
  Result<std::unique_ptr<world::Folder>> make(Fd folder, const std::string& name) {
    return std::unique_ptr<world::Folder>{
        std::make_unique<Folder>(std::move(folder), whole(name), telling_)};
  }

  Fd fd_;
  std::string path_;
  Telling telling_;
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
      std::make_unique<Folder>(std::move(folder).value(), path, Telling{effects_, not_kept_})};
}

Result<Entry> Folders::look(const std::string& path) {
  if (path == "/") {
    const Fd root = TRY(open_file(path, O_RDONLY | O_DIRECTORY));
    return whole_entry(root.get(), "", path);
  }
  const Fd folder = TRY(open_file(base::parent_of(path), O_PATH | O_DIRECTORY));
  return whole_entry(folder.get(), base::name_of_path(path), path);
}

Result<std::unique_ptr<world::Folder>> Folders::open_or_make(const std::string& path) {
  const EffectScope scope{effects_, "folders.open", path};
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
  return open(path);
}

Result<std::unique_ptr<world::Folder>> Folders::open_empty(const std::string& path) {
  auto folder = TRY(open_or_make(path));
  if (!TRY(folder->list()).empty())
    return Error{ErrorKind::conflict, "the folder '" + path + "' is not empty",
                 "Name a folder that is empty or does not exist yet."};
  return folder;
}

Result<> Folders::sync(const std::string& path) {
  const Fd folder = TRY(open_file(path, O_RDONLY));
  if (::syncfs(folder.get()) != 0)
    return error_of(errno, "sync the file system of", path);
  return ok();
}

} // namespace os
