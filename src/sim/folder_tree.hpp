#pragma once
// Folder tree: files and folders in memory with all their metadata, changed by effects that are
// plain data: a test can play a part of them, in another order, and lose what was not synced.

#include "base/result.hpp"
#include "world/folders.hpp"

#include <cstdint>
#include <map>
#include <random>
#include <string>

namespace sim {

struct FolderEffect {
  enum class Kind { make_folder, make_file, make_other, link, write, punch, finish, remove, sync };
  Kind kind = Kind::sync;
  std::string path;     // absolute
  std::string existing; // of a hard link: the name that is there already
  std::string bytes;    // of a write
  std::uint64_t offset = 0;
  std::uint64_t length = 0; // of a hole
  world::Entry entry;       // of a finish or make_other
};
const char* name_of(FolderEffect::Kind kind);

// A value: to copy it is to fork the world.
class FolderTree {
public:
  struct Inode {
    world::Entry entry; // without a name
    std::string content;
    std::map<std::string, std::uint64_t> names; // of a folder: what is in it
  };
  FolderTree(); // an empty root

  const Inode* find(const std::string& path) const; // links are not followed; absent: nullptr
  // conflict: there is something already; not_found: there is nothing, or no parent.
  base::Result<> apply(const FolderEffect& effect);
  // One line for each entry from `root` on, with all that a restore brings back; the root is ".".
  std::string describe(const std::string& root) const;

  // As the power leaves a disk that held `durable` when it was synced last and has become `now`:
  // of each change since, some of its pages and names, in any order.
  static FolderTree after_power_cut(const FolderTree& durable, const FolderTree& now,
                                    std::mt19937_64& random);

private:
  Inode* find_mutable(const std::string& path);
  base::Result<> make(const FolderEffect& effect);
  base::Result<> change(Inode& inode, const FolderEffect& effect);
  base::Result<> remove(const std::string& path);
  void remove_below(std::uint64_t number);
  void describe(std::uint64_t number, const std::string& path, std::string& text,
                std::map<std::uint64_t, std::string>& first_names) const;
  void touch(Inode& inode, bool is_content);
  void count_links();

  std::map<std::uint64_t, Inode> inodes_;
  std::uint64_t next_ = 2;
  std::int64_t ticks_ = 0; // the clock of this file system
};

} // namespace sim
