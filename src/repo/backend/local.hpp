#pragma once
// Local: a repository in a folder of this machine, laid out as restic lays it out.

#include "repo/backend/backend.hpp"
#include "world/files.hpp"

#include <string>

namespace repo::backend {

class Local final : public Backend {
public:
  Local(world::Files& files, std::string folder) : files_{files}, folder_{std::move(folder)} {}
  std::string location() const override { return folder_; }
  base::Result<> create() override;
  base::Result<std::string> load(const FileName& name, std::uint64_t offset,
                                 std::uint64_t bytes) override;
  base::Result<std::optional<std::uint64_t>> size(const FileName& name) override;
  base::Result<> save(const FileName& name, std::string_view bytes) override;
  base::Result<> remove(const FileName& name) override;
  base::Result<std::vector<Listed>> list(FileKind kind) override;

private:
  std::string path_of(const FileName& name) const { return folder_ + "/" + text_of(name); }
  base::Result<> list_folder(const std::string& path, std::vector<Listed>& all);
  world::Files& files_;
  std::string folder_;
};

} // namespace repo::backend
