#pragma once
// Retry: a backend over another one, that asks again when the other side may work later.

#include "repo/backend/backend.hpp"
#include "world/clock.hpp"
#include "world/random.hpp"

#include <atomic>
#include <functional>
#include <memory>

namespace repo::backend {

// Of one call, from its beginning. The pause before each new attempt doubles, and a random part
// of it, up to a half, is left out, so that many clients do not come back at the same moment.
struct Patience {
  world::Milliseconds pause{500};
  world::Milliseconds pause_max{15'000};
  world::Milliseconds in_all{120'000};
  world::Milliseconds at_first{4'000}; // until the other side has answered once: a wrong name
};

// Asks again after `unavailable` and `unknown_outcome`, never after another error. That is safe:
// a file is named by its content, so that saving or removing it twice does what once does; and a
// config that is there already is compared with the one that was to be saved.
class Retry final : public Backend {
public:
  // `notice` hears why it waits, and how long; by any thread that calls.
  Retry(std::unique_ptr<Backend> inner, world::Clock& clock, world::Random& random,
        Patience patience, std::function<void(const std::string&)> notice)
      : inner_{std::move(inner)}, clock_{clock}, random_{random}, patience_{patience},
        notice_{std::move(notice)} {}
  std::string location() const override { return inner_->location(); }
  base::Result<> create() override;
  base::Result<std::string> load(const FileName& name, std::uint64_t offset,
                                 std::uint64_t bytes) override;
  base::Result<std::optional<std::uint64_t>> size(const FileName& name) override;
  base::Result<> save(const FileName& name, std::string_view bytes) override;
  base::Result<> remove(const FileName& name) override;
  base::Result<std::vector<Listed>> list(FileKind kind) override;

private:
  template <class Call>
  auto again_and_again(Call call) -> decltype(call(std::size_t{}));
  // False: no more patience, or the operator asked us to stop.
  bool waits(const base::Error& why, std::size_t attempt, world::Milliseconds begin);

  std::unique_ptr<Backend> inner_;
  world::Clock& clock_;
  world::Random& random_;
  Patience patience_;
  std::function<void(const std::string&)> notice_;
  std::atomic<bool> has_answered_ = false;
};

} // namespace repo::backend
