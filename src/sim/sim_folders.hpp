#pragma once
// SimFolders: a folder tree behind the port world::Folders, with faults. Every call that changes
// something is one effect.

#include "sim/folder_tree.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace sim {

struct FolderDisk {
  FolderTree now;
  FolderTree durable; // as it was synced last
};

class SimFolders final : public world::Folders {
public:
  enum class Answer {
    done,
    failed, // and nothing happened
    lied,   // it happened, and is told to have failed
  };
  explicit SimFolders(FolderDisk& disk) : disk_{disk} {}

  base::Result<std::unique_ptr<world::Folder>> open(const std::string& path) override;
  base::Result<world::Entry> look(const std::string& path) override;
  base::Result<std::unique_ptr<world::Folder>> open_empty(const std::string& path) override;
  base::Result<std::unique_ptr<world::Folder>> open_or_make(const std::string& path) override;
  base::Result<> sync(const std::string& path) override;
  std::vector<std::string> not_kept() override { return {}; }

  // Asked before each effect, with how many there were of this path.
  std::function<Answer(const FolderEffect& effect, std::size_t of_path)> fault;
  std::vector<FolderEffect> effects; // those that happened; the threads' own orders are kept

  // For the folders and files of this one.
  base::Result<> change(const FolderEffect& effect);
  base::Result<FolderTree::Inode> inode(const std::string& path, bool is_folder);
  base::Result<FolderTree::Inode> anything(const std::string& path);
  void walker_is_here();
  void wait_for_walker();

private:
  FolderDisk& disk_;
  std::mutex mutex_;
  std::map<std::string, std::size_t> counts_;
  // A backup walks in a thread of its own while others read. Here they wait until it is through,
  // so that the same seed always stores the same blobs in the same order.
  std::thread::id home_ = std::this_thread::get_id();
  std::mutex gate_mutex_;
  std::condition_variable gate_;
  std::shared_ptr<bool> is_walking_;
  friend struct WalkerHere;
};

} // namespace sim
