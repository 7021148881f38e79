#pragma once
// Files: world::Files on the real disk. What a mutating member promises is synced on return.

#include "os/effects.hpp"
#include "world/files.hpp"

namespace os {

class Files final : public world::Files {
public:
  explicit Files(Effects& effects) : effects_{effects} {}
  base::Result<std::string> read(const std::string& path, std::size_t bytes_max) override;
  base::Result<std::string> read_start(const std::string& path, std::size_t bytes_max) override;
  base::Result<std::string> read_end(const std::string& path, std::size_t bytes_max) override;
  base::Result<std::string> read_range(const std::string& path, std::uint64_t offset,
                                       std::size_t bytes) override;
  base::Result<std::optional<world::EntryInfo>> info(const std::string& path) override;
  base::Result<std::string> resolve(const std::string& path) override;
  base::Result<std::string> read_link(const std::string& path) override;
  base::Result<std::vector<std::string>> list(const std::string& path) override;
  base::Result<world::SpaceInfo> space(const std::string& path) override;
  base::Result<bool> is_empty(const std::string& path) override;
  base::Result<> append(const std::string& path, std::string_view bytes) override;
  base::Result<> truncate(const std::string& path, std::size_t size) override;
  base::Result<> replace(const std::string& path, std::string_view bytes,
                         std::uint32_t mode) override;
  base::Result<> replace_all(const std::vector<world::FileContent>& files) override;
  base::Result<> create_folders(const std::string& path) override;
  base::Result<> replace_link(const std::string& path, const std::string& target) override;
  base::Result<> rename(const std::string& from, const std::string& to) override;
  base::Result<> exchange(const std::string& a, const std::string& b) override;
  base::Result<> remove(const std::string& path) override;
  base::Result<> remove_all(const std::vector<std::string>& paths) override;
  base::Result<> set_owner_and_mode(const std::string& path, const world::EntryInfo& like) override;
  base::Result<std::unique_ptr<world::Lock>> lock(const std::string& path,
                                                  const std::string& owner) override;

private:
  Effects& effects_;
};

} // namespace os
