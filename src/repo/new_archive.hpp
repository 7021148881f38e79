#pragma once
// NewArchive: an archive that gets its name when all of it is durable and was read back.

#include "base/digest.hpp"
#include "repo/tar.hpp"
#include "world/files.hpp"
#include "world/folders.hpp"
#include "world/machine.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace repo {

// Until then it is ".NAME.part" beside its place, which goes when this does. After a death it is
// left; whoever begins one of that name removes it.
class NewArchive {
public:
  NewArchive(world::Folders& folders, world::Files& files, std::string path);
  ~NewArchive();
  NewArchive(const NewArchive&) = delete;
  NewArchive& operator=(const NewArchive&) = delete;

  base::Result<> begin(); // conflict: there is something at the path
  base::Result<> write(std::string_view bytes);
  // corrupt: what is read back is not what was written, or not `wanted`.
  base::Result<> end(const world::Identity& self, world::TimePoint now, const TarReport& wanted);
  std::uint64_t size() const { return size_; }

private:
  base::Result<> read_back(const TarReport& wanted);

  world::Folders& folders_;
  world::Files& files_;
  std::string path_;
  std::string part_;
  std::unique_ptr<world::Folder> folder_;
  std::unique_ptr<world::NewFile> file_;
  base::Sha256 written_;
  std::uint64_t size_ = 0;
};

} // namespace repo
