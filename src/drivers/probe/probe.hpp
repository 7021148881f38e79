#pragma once
// Probe: measures over HTTP, TCP, by a command, or by looking at a service's process.

#include "domain/probe.hpp"
#include "domain/runtime.hpp"
#include "world/world.hpp"

#include <functional>
#include <string>

namespace drivers::probe {

using SecretReader = std::function<base::Result<std::string>(const domain::SecretRef&)>;
using ServiceLookup = std::function<const domain::ServiceSpec*(const std::string&)>;

class Probe final : public domain::Probe {
public:
  // `environment`: added to ours for commands (BELAY_STACK and so on).
  Probe(world::World world, domain::Runtime& runtime, ServiceLookup find_service,
        SecretReader read_secret, std::string project_folder, world::Environment environment);

  domain::Reading measure(const domain::ProbeSpec& spec) override;

private:
  void measure_http(const domain::ProbeSpec& spec, domain::Reading& reading);
  void measure_tcp(const domain::ProbeSpec& spec, domain::Reading& reading);
  void measure_command(const domain::ProbeSpec& spec, domain::Reading& reading);
  void measure_process(const domain::ProbeSpec& spec, domain::Reading& reading);
  // The thing that answers must be ours: bad when the port is somebody else's.
  void check_listener(const domain::ProbeSpec& spec, int port, domain::Reading& reading);
  world::World world_;
  domain::Runtime& runtime_;
  ServiceLookup find_service_;
  SecretReader read_secret_;
  std::string project_folder_;
  world::Environment environment_;
};

} // namespace drivers::probe
