#pragma once
// Probe: measures over HTTP, TCP, by a command, by looking at a service's process, mounts, log or
// memory, at a page of Prometheus metrics, at a Prometheus server, or at a disk.

#include "domain/probe.hpp"
#include "domain/runtime.hpp"
#include "drivers/probe/prometheus.hpp"
#include "drivers/probe/windows.hpp"
#include "world/world.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drivers::probe {

using SecretReader = std::function<base::Result<std::string>(const domain::SecretRef&)>;
using ServiceLookup = std::function<const domain::ServiceSpec*(const std::string&)>;

class Probe final : public domain::Probe {
public:
  // `environment`: added to ours for commands (BELAY_STACK and so on).
  Probe(world::World world, domain::Runtime& runtime, ServiceLookup find_service,
        SecretReader read_secret, std::string project_folder, world::Environment environment);

  domain::Reading measure(const domain::ProbeSpec& spec) override;
  void start_over() override { windows_.start_over(); }

private:
  // One bounded HTTP exchange with the probe's headers and bearer; adds to `secrets` what must not
  // be shown. An error was told to the reading.
  std::optional<world::HttpResponse> ask(const domain::ProbeSpec& spec, const std::string& url,
                                         std::size_t body_bytes_max,
                                         std::vector<std::string>& secrets,
                                         domain::Reading& reading);
  void measure_http(const domain::ProbeSpec& spec, domain::Reading& reading);
  void measure_tcp(const domain::ProbeSpec& spec, domain::Reading& reading);
  void measure_command(const domain::ProbeSpec& spec, domain::Reading& reading);
  void measure_process(const domain::ProbeSpec& spec, domain::Reading& reading);
  void measure_mounted(const domain::ProbeSpec& spec, domain::Reading& reading);
  void measure_metric(const domain::ProbeSpec& spec, domain::Reading& reading);
  void judge_page(const domain::ProbeSpec& spec, std::string_view page, domain::Reading& reading);
  void judge_counters(const domain::ProbeSpec& spec, const std::vector<Sample>& part,
                      const std::vector<Sample>& whole, domain::Reading& reading);
  void measure_promql(const domain::ProbeSpec& spec, domain::Reading& reading);
  void measure_log(const domain::ProbeSpec& spec, domain::Reading& reading);
  void measure_disk(const domain::ProbeSpec& spec, domain::Reading& reading);
  void measure_memory(const domain::ProbeSpec& spec, domain::Reading& reading);
  std::string wrong_mount(const std::vector<domain::Mount>& mounts, int pid, const std::string& at,
                          const std::string& wanted);
  // Makes of a number that is a time how long ago it was, in seconds.
  void turn_to_age(domain::Reading& reading);
  // The thing that answers must be ours: bad when the port is somebody else's.
  void check_listener(const domain::ProbeSpec& spec, int port, domain::Reading& reading);
  world::World world_;
  domain::Runtime& runtime_;
  ServiceLookup find_service_;
  SecretReader read_secret_;
  std::string project_folder_;
  world::Environment environment_;
  Windows windows_;
};

} // namespace drivers::probe
