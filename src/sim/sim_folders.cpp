#include "sim/sim_folders.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cstring>

namespace sim {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::Entry;
using world::EntryType;
using Kind = FolderEffect::Kind;
using Inode = FolderTree::Inode;

// Its end is that of the thread that walks.
struct WalkerHere {
  SimFolders* folders = nullptr;
  ~WalkerHere() { leave(); }
  void leave() {
    if (folders == nullptr)
      return;
    const std::scoped_lock guard{folders->gate_mutex_};
    *folders->is_walking_ = false;
    folders->gate_.notify_all();
    folders = nullptr;
  }
};

namespace {

thread_local WalkerHere walker;

Entry entry_of(const Inode& inode, const std::string& name) {
  Entry entry = inode.entry;
  entry.name = name;
  return entry;
}

class SimFile final : public world::LiveFile {
public:
  SimFile(SimFolders& folders, std::string path) : folders_{folders}, path_{std::move(path)} {}

  Result<std::size_t> read(std::span<char> to, std::uint64_t offset) override {
    const Inode inode = TRY(folders_.inode(path_, false));
    const std::size_t begin = std::min<std::size_t>(offset, inode.content.size());
    const std::size_t count = std::min(to.size(), inode.content.size() - begin);
    std::memcpy(to.data(), inode.content.data() + begin, count);
    return count;
  }
  Result<std::pair<std::uint64_t, std::uint64_t>> next_data(std::uint64_t offset) override {
    const std::uint64_t size = TRY(folders_.inode(path_, false)).content.size();
    return std::pair{std::min(offset, size), size};
  }
  Result<Entry> now() override { return TRY(folders_.inode(path_, false)).entry; }
  Result<> write(std::string_view bytes, std::uint64_t offset) override {
    return folders_.change(
        {.kind = Kind::write, .path = path_, .bytes = std::string{bytes}, .offset = offset});
  }
  Result<> punch(std::uint64_t offset, std::uint64_t length) override {
    return folders_.change(
        {.kind = Kind::punch, .path = path_, .offset = offset, .length = length});
  }
  Result<> finish(const Entry& entry) override {
    return folders_.change({.kind = Kind::finish, .path = path_, .entry = entry});
  }

private:
  SimFolders& folders_;
  std::string path_;
};

class SimFolder final : public world::Folder {
public:
  SimFolder(SimFolders& folders, std::string path) : folders_{folders}, path_{std::move(path)} {}

  Result<std::vector<Entry>> list() override {
    folders_.walker_is_here();
    std::vector<Entry> entries;
    for (const auto& [name, number] : TRY(folders_.inode(path_, true)).names)
      entries.push_back(entry_of(TRY(folders_.anything(whole(name))), name));
    return entries;
  }
  Result<Entry> now() override { return TRY(folders_.inode(path_, true)).entry; }
  Result<std::unique_ptr<world::Folder>> open_folder(const std::string& name) override {
    TRY(folders_.inode(whole(name), true));
    return folder(name);
  }
  Result<std::unique_ptr<world::SourceFile>> open_file(const std::string& name) override {
    folders_.wait_for_walker();
    TRY(folders_.inode(whole(name), false));
    return std::unique_ptr<world::SourceFile>{std::make_unique<SimFile>(folders_, whole(name))};
  }
  Result<std::unique_ptr<world::Folder>> make_folder(const std::string& name) override {
    TRY(folders_.change({.kind = Kind::make_folder, .path = whole(name)}));
    return folder(name);
  }
  Result<std::unique_ptr<world::NewFile>> make_file(const std::string& name) override {
    TRY(folders_.change({.kind = Kind::make_file, .path = whole(name)}));
    return std::unique_ptr<world::NewFile>{std::make_unique<SimFile>(folders_, whole(name))};
  }
  Result<> make_hard_link(const std::string& name, world::Folder& other,
                          const std::string& existing) override {
    const auto& from = static_cast<SimFolder&>(other); // NOLINT: there are no others
    return folders_.change(
        {.kind = Kind::link, .path = whole(name), .existing = from.whole(existing)});
  }
  Result<> make_other(const Entry& entry) override {
    return folders_.change({.kind = Kind::make_other, .path = whole(entry.name), .entry = entry});
  }
  Result<std::unique_ptr<world::Folder>> change_folder(const std::string& name) override {
    return open_folder(name);
  }
  Result<std::unique_ptr<world::LiveFile>> change_file(const std::string& name) override {
    TRY(folders_.inode(whole(name), false));
    return std::unique_ptr<world::LiveFile>{std::make_unique<SimFile>(folders_, whole(name))};
  }
  Result<> remove(const std::string& name) override {
    return folders_.change({.kind = Kind::remove, .path = whole(name)});
  }
  Result<> finish(const Entry& entry) override {
    return folders_.change({.kind = Kind::finish, .path = path_, .entry = entry});
  }

private:
  std::string whole(const std::string& name) const {
    return path_ == "/" ? path_ + name : path_ + "/" + name;
  }
  std::unique_ptr<world::Folder> folder(const std::string& name) {
    return std::make_unique<SimFolder>(folders_, whole(name));
  }
  SimFolders& folders_;
  std::string path_;
};

} // namespace

void SimFolders::walker_is_here() {
  if (std::this_thread::get_id() == home_ || walker.folders == this)
    return;
  walker.leave(); // of another one
  const std::scoped_lock guard{gate_mutex_};
  is_walking_ = std::make_shared<bool>(true);
  walker.folders = this;
}

void SimFolders::wait_for_walker() {
  if (std::this_thread::get_id() == home_ || walker.folders == this)
    return;
  std::unique_lock guard{gate_mutex_};
  gate_.wait(guard, [&] { return is_walking_ && !*is_walking_; });
}

Result<> SimFolders::change(const FolderEffect& effect) {
  const std::scoped_lock guard{mutex_};
  const Answer answer = fault ? fault(effect, counts_[effect.path]++) : Answer::done;
  const Error told{ErrorKind::failed, "'" + effect.path + "' failed (injected)", ""};
  if (answer == Answer::failed)
    return told;
  TRY(disk_.now.apply(effect));
  if (effect.kind == Kind::sync)
    disk_.durable = disk_.now;
  effects.push_back(effect);
  return answer == Answer::lied ? Result<>{told} : ok();
}

Result<Inode> SimFolders::anything(const std::string& path) {
  const std::scoped_lock guard{mutex_};
  const Inode* const found = disk_.now.find(path);
  if (found == nullptr)
    return Error{ErrorKind::not_found, "there is no '" + path + "'", ""};
  return *found;
}

Result<Inode> SimFolders::inode(const std::string& path, bool is_folder) {
  Inode found = TRY(anything(path));
  if (found.entry.type != (is_folder ? EntryType::folder : EntryType::file))
    return Error{ErrorKind::conflict, "'" + path + "' is of another kind", ""};
  return found;
}

Result<std::unique_ptr<world::Folder>> SimFolders::open(const std::string& path) {
  walker_is_here();
  TRY(inode(path, true));
  return std::unique_ptr<world::Folder>{std::make_unique<SimFolder>(*this, path)};
}

Result<Entry> SimFolders::look(const std::string& path) {
  return entry_of(TRY(anything(path)), base::name_of_path(path));
}

Result<std::unique_ptr<world::Folder>> SimFolders::open_or_make(const std::string& path) {
  if (path != "/" && !anything(path)) {
    TRY(open_or_make(base::parent_of(path)));
    TRY(change({.kind = Kind::make_folder, .path = path}));
  }
  return open(path);
}

Result<std::unique_ptr<world::Folder>> SimFolders::open_empty(const std::string& path) {
  auto folder = TRY(open_or_make(path));
  if (!TRY(folder->list()).empty())
    return Error{ErrorKind::conflict, "'" + path + "' is not empty", ""};
  return folder;
}

Result<> SimFolders::sync(const std::string& path) {
  return change({.kind = Kind::sync, .path = path});
}

} // namespace sim
