#pragma once
// Faults: a backend over another one, that fails when a test says so. For tests only.

#include "repo/backend/backend.hpp"

#include <functional>
#include <memory>

namespace repo::backend {

class Faults final : public Backend {
public:
  // Asked before and after every call; an error is what the caller gets, even though the call
  // took place.
  using Fault = std::function<base::Result<>(bool is_before)>;
  Faults(std::unique_ptr<Backend> inner, Fault fault)
      : inner_{std::move(inner)}, fault_{std::move(fault)} {}
  std::string location() const override { return inner_->location(); }
  base::Result<> create() override {
    return with([&] { return inner_->create(); });
  }
  base::Result<std::string> load(const FileName& name, std::uint64_t offset,
                                 std::uint64_t bytes) override {
    return with([&] { return inner_->load(name, offset, bytes); });
  }
  base::Result<std::optional<std::uint64_t>> size(const FileName& name) override {
    return with([&] { return inner_->size(name); });
  }
  base::Result<> save(const FileName& name, std::string_view bytes) override {
    return with([&] { return inner_->save(name, bytes); });
  }
  base::Result<> remove(const FileName& name) override {
    return with([&] { return inner_->remove(name); });
  }
  base::Result<std::vector<Listed>> list(FileKind kind) override {
    return with([&] { return inner_->list(kind); });
  }

private:
  template <class Call>
  auto with(Call call) -> decltype(call()) {
    TRY(fault_(true));
    auto done = call();
    TRY(fault_(false));
    return done;
  }
  std::unique_ptr<Backend> inner_;
  Fault fault_;
};

} // namespace repo::backend
