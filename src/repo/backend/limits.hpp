#pragma once
// Limits: a backend over another one, that takes no more of the line than it may.

#include "repo/backend/backend.hpp"
#include "world/clock.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>

namespace repo::backend {

struct Limit { // 0: as much as there is
  std::uint64_t upload_bytes_per_second = 0;
  std::uint64_t download_bytes_per_second = 0;
  std::size_t connections = 0; // calls at the same time
};

// The rates hold on average: one file goes at full speed, then the next waits its time.
class Limits final : public Backend {
public:
  Limits(std::unique_ptr<Backend> inner, world::Clock& clock, Limit limit)
      : inner_{std::move(inner)}, clock_{clock}, limit_{limit} {}
  std::string location() const override { return inner_->location(); }
  base::Result<> create() override;
  base::Result<std::string> load(const FileName& name, std::uint64_t offset,
                                 std::uint64_t bytes) override;
  base::Result<std::optional<std::uint64_t>> size(const FileName& name) override;
  base::Result<> save(const FileName& name, std::string_view bytes) override;
  base::Result<> remove(const FileName& name) override;
  base::Result<std::vector<Listed>> list(FileKind kind) override;

private:
  struct Line {
    world::Milliseconds free_at{0}; // monotonic
  };
  class Turn; // one of the connections
  base::Result<> wait_for(const Line& line);
  void charge(Line& line, std::uint64_t bytes, std::uint64_t bytes_per_second);

  std::unique_ptr<Backend> inner_;
  world::Clock& clock_;
  Limit limit_;
  std::mutex mutex_;
  std::condition_variable has_room_;
  std::size_t busy_ = 0;
  Line up_;
  Line down_;
};

} // namespace repo::backend
