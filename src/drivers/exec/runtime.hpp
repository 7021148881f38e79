#pragma once
// Runtime `exec`: services that a program of the user's own runs. What the program says is looked
// at again where that is possible: it is asked to verify, and to observe, what it says it did.
// A release's `folder` is the program's own name for it.

#include "domain/runtime.hpp"
#include "drivers/exec/call.hpp"

namespace drivers::exec {

class Runtime final : public domain::Runtime {
public:
  Runtime(world::World world, Site site) : world_{world}, caller_{world, std::move(site)} {}

  base::Result<domain::Release> prepare(const domain::ServiceSpec& service,
                                        const std::string& label) override;
  base::Result<> can_prepare(const domain::ServiceSpec& service, const std::string& label) override;
  base::Result<> verify(const domain::ServiceSpec& service,
                        const domain::Release& release) override;
  base::Result<domain::Observed> observe(const domain::ServiceSpec& service) override;
  base::Result<std::optional<std::string>>
  current_folder(const domain::ServiceSpec& service) override;
  base::Result<> switch_to(const domain::ServiceSpec& service,
                           const domain::Release& release) override;
  base::Result<> start(const domain::ServiceSpec& service) override;
  base::Result<> stop(const domain::ServiceSpec& service) override;
  base::Result<> hold(const domain::ServiceSpec& service) override;
  base::Result<> let_go(const domain::ServiceSpec& service) override;
  base::Result<std::string> log_tail(const domain::ServiceSpec& service, int lines) override;
  base::Result<> discard(const domain::ServiceSpec& service,
                         const domain::Release& release) override;

private:
  world::World world_;
  Caller caller_;
};

} // namespace drivers::exec
