#pragma once
// Memory: a backend for tests, that can die before or after an exact effect.

#include "repo/backend/backend.hpp"

#include <functional>
#include <map>
#include <mutex>

namespace repo::backend {

class Memory final : public Backend {
public:
  std::string location() const override { return "memory"; }
  base::Result<> create() override;
  base::Result<std::string> load(const FileName& name, std::uint64_t offset,
                                 std::uint64_t bytes) override;
  base::Result<std::optional<std::uint64_t>> size(const FileName& name) override;
  base::Result<> save(const FileName& name, std::string_view bytes) override;
  base::Result<> remove(const FileName& name) override;
  base::Result<std::vector<Listed>> list(FileKind kind) override;

  // Asked before and after every save and remove; an error is what the caller gets.
  std::function<base::Result<>(bool is_before, const FileName& name)> fault;
  std::map<std::string, std::string> files; // by text_of() their names

private:
  base::Result<> ask(bool is_before, const FileName& name) {
    return fault ? fault(is_before, name) : base::ok();
  }
  std::mutex mutex_;
};

} // namespace repo::backend
