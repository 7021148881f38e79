#pragma once
// Processes: world::Processes on Linux. Commands end with us; services do not.

#include "os/effects.hpp"
#include "world/processes.hpp"

namespace os {

class Processes final : public world::Processes {
public:
  explicit Processes(Effects& effects) : effects_{effects} {}
  base::Result<world::Output> run(const world::Command& command) override;
  base::Result<world::ProcessId> start(const world::ServiceStart& start) override;
  base::Result<std::vector<world::ProcessInfo>>
  find(const std::string& lock_path, const std::string& name, const std::string& value) override;
  base::Result<bool> is_alive(const world::ProcessId& id) override;
  base::Result<> signal(const world::ProcessId& id, world::Signal signal) override;
  base::Result<std::vector<world::ProcessInfo>> listeners(int port) override;
  base::Result<std::vector<world::ListeningProcess>> all_listeners() override;
  base::Result<std::uint64_t> memory_bytes(const std::vector<world::ProcessId>& all) override;
  base::Result<std::uint64_t> machine_memory_bytes() override;
  base::Result<world::ProcessId> self() override;

private:
  Effects& effects_;
};

} // namespace os
