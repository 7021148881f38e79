#pragma once
// Trees: world::Trees on the real disk, in parallel.

#include "os/effects.hpp"
#include "world/trees.hpp"

namespace os {

class Trees final : public world::Trees {
public:
  explicit Trees(Effects& effects) : effects_{effects} {}
  base::Result<world::TreeSize> size(const std::string& root,
                                     const std::vector<std::string>& exclude) override;
  base::Result<world::Capture> capture(const std::string& source, const std::string& copy,
                                       const std::string& catalogue,
                                       const world::CaptureOptions& options) override;
  base::Result<std::string> catalogue(const std::string& root,
                                      const std::string& catalogue) override;
  base::Result<> verify(const std::string& copy, const std::string& catalogue,
                        world::Depth depth) override;
  base::Result<std::string> digest(const std::string& root) override;
  base::Result<std::vector<world::Difference>>
  compare(const std::string& a, const std::string& b,
          const std::vector<std::string>& exclude) override;
  base::Result<> copy_root_metadata(const std::string& from, const std::string& to) override;
  base::Result<> copy(const std::string& from, const std::string& to) override;
  base::Result<> copy_file(const std::string& from, const std::string& to) override;
  base::Result<> unpack(const std::string& archive, const std::string& to,
                        std::uint64_t bytes_max) override;
  base::Result<world::ArchiveContents> look_into(const std::string& archive,
                                                 const std::vector<std::string>& names,
                                                 std::size_t text_bytes_max) override;
  base::Result<std::string> file_digest(const std::string& path) override;
  base::Result<> sync(const std::string& root) override;
  base::Result<> remove(const std::string& root) override;

private:
  Effects& effects_;
};

} // namespace os
