#pragma once
// Preflight: the checks of docs/guide/checks.md, over ports only. Each is a file of this folder.

#include "checks/look.hpp"

namespace checks {

class Preflight final : public domain::Preflight {
public:
  // The machine and the stack must outlive it.
  Preflight(world::World world, world::Resources& resources, const domain::Stack& stack,
            ReadSecret read_secret)
      : world_{world}, resources_{resources}, stack_{stack}, read_secret_{std::move(read_secret)} {}
  std::vector<domain::Finding> look(const domain::PreflightRequest& request) override;

private:
  world::World world_;
  world::Resources& resources_;
  const domain::Stack& stack_;
  ReadSecret read_secret_;
};

} // namespace checks
