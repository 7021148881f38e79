#pragma once
// HeldContainers: containers beside the stack's own that would reach into an operation (watchdogs,
// healers, updaters), stopped for its time. Decision:
// docs/adr/0012-docker-through-the-engine-api.md.
//
//   <state>/run/held-containers   those that ran, with their restart policies; only from `hold` to
//                                 `let_go`

#include "domain/other_hands.hpp"
#include "domain/stack.hpp"
#include "drivers/docker/runtime.hpp"

#include <string>
#include <vector>

namespace drivers::docker {

class HeldContainers final : public domain::OtherHands {
public:
  // `containers`: the runtime that stops them. Both must outlive this.
  HeldContainers(world::World world, const domain::Stack& stack, Runtime& containers)
      : world_{world}, stack_{stack}, containers_{containers}, client_{world, stack.docker_socket},
        record_{stack.state_folder + "/run/held-containers"} {}

  base::Result<> hold() override;
  // One that does not start is told, and keeps none of the others down.
  base::Result<> let_go() override;
  base::Result<std::vector<domain::Finding>> findings() override;

private:
  struct Held {
    std::string id;
    std::string name;
    Json policy;
  };
  base::Result<std::vector<Held>> read_record();
  base::Result<> write_record(const std::vector<Held>& all);
  base::Result<> stop(const Held& held);
  base::Result<> give_back(const Held& held);
  bool is_of_stack(const Json& container) const;
  world::World world_;
  const domain::Stack& stack_;
  Runtime& containers_;
  Client client_;
  std::string record_;
};

} // namespace drivers::docker
