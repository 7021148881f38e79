#pragma once
// Runtime `process`: services that belay starts itself, detached, and finds again by a tag in
// their environment. Decision and reasons: docs/adr/0005-process-identity.md.

#include "domain/runtime.hpp"
#include "releases/releases.hpp"
#include "world/world.hpp"

#include <functional>
#include <string>

namespace drivers::process {

using SecretReader = std::function<base::Result<std::string>(const domain::SecretRef&)>;

// Value of the tag BELAY_SERVICE: tells this stack's service from every other on the machine.
std::string service_key(const std::string& state_folder, const std::string& service);

class Runtime final : public domain::Runtime {
public:
  // `base_environment`: what every service gets beside its own variables (PATH, HOME, LANG, TZ,
  // USER).
  Runtime(world::World world, std::string stack, std::string project_folder,
          std::string state_folder, SecretReader read_secret, world::Environment base_environment);

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
  base::Result<std::string> log_tail(const domain::ServiceSpec& service, int lines) override;
  base::Result<std::string> log_of_start(const domain::ServiceSpec& service,
                                         std::size_t bytes_max) override;
  base::Result<std::uint64_t> memory_bytes(const domain::ServiceSpec& service) override;
  base::Result<> discard(const domain::ServiceSpec& service,
                         const domain::Release& release) override;

private:
  base::Result<std::vector<world::ProcessInfo>> processes_of(const domain::ServiceSpec& service);
  base::Result<world::Environment> environment_of(const domain::ServiceSpec& service,
                                                  const std::string& folder);
  base::Result<> wait(const domain::ServiceSpec& service);
  base::Result<> kill_all(const domain::ServiceSpec& service);
  std::string lock_path(const domain::ServiceSpec& service) const;
  std::string log_path(const domain::ServiceSpec& service) const;
  world::World world_;
  std::string stack_;
  std::string project_folder_;
  std::string state_folder_;
  SecretReader read_secret_;
  world::Environment base_environment_;
  releases::Releases releases_;
};

} // namespace drivers::process
