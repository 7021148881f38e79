#pragma once
// Folders: world::Folders on the real disk, by descriptors.

#include "os/effects.hpp"
#include "world/folders.hpp"

#include <mutex>

namespace os {

// What could not be kept for want of privilege, told by whoever restores.
class NotKept {
public:
  void add(const std::string& what);
  std::vector<std::string> all();

private:
  std::mutex mutex_;
  std::vector<std::string> all_;
};

class Folders final : public world::Folders {
public:
  explicit Folders(Effects& effects) : effects_{effects} {}
  base::Result<std::unique_ptr<world::Folder>> open(const std::string& path) override;
  base::Result<world::Entry> look(const std::string& path) override;
  base::Result<std::unique_ptr<world::Folder>> open_empty(const std::string& path) override;
  base::Result<std::unique_ptr<world::Folder>> open_or_make(const std::string& path) override;
  base::Result<> sync(const std::string& path) override;
  std::vector<std::string> not_kept() override { return not_kept_.all(); }

private:
  Effects& effects_;
  NotKept not_kept_;
};

} // namespace os
