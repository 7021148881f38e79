#include "drivers/probe/probe.hpp"

#include "base/text.hpp"
#include "drivers/probe/json_path.hpp"
#include "drivers/probe/judge.hpp"

#include <algorithm>

namespace drivers::probe {

using domain::Reading;
using domain::Verdict;

namespace {

void bad(Reading& reading, std::string why) {
  reading.verdict = Verdict::bad;
  reading.detail = std::move(why);
}
void unknown(Reading& reading, std::string why) {
  reading.verdict = Verdict::unknown;
  reading.detail = std::move(why);
}

std::string last_line(std::string text) {
  while (text.ends_with('\n') || text.ends_with('\r'))
    text.pop_back();
  const auto newline = text.rfind('\n');
  std::string line = newline == std::string::npos ? text : text.substr(newline + 1);
  return base::printable(line.substr(0, 300));
}

std::string tag(const world::ProcessInfo& process, std::string_view name) {
  for (const auto& [key, value] : process.tags)
    if (key == name)
      return value;
  return "";
}

} // namespace

Probe::Probe(world::World world, domain::Runtime& runtime, ServiceLookup find_service,
             SecretReader read_secret, std::string project_folder, world::Environment environment)
    : world_{world}, runtime_{runtime}, find_service_{std::move(find_service)},
      read_secret_{std::move(read_secret)}, project_folder_{std::move(project_folder)},
      environment_{std::move(environment)} {}

Reading Probe::measure(const domain::ProbeSpec& spec) {
  Reading reading;
  reading.probe = spec.name;
  switch (spec.kind) {
  case domain::ProbeKind::http: measure_http(spec, reading); break;
  case domain::ProbeKind::tcp: measure_tcp(spec, reading); break;
  case domain::ProbeKind::command: measure_command(spec, reading); break;
  case domain::ProbeKind::process: measure_process(spec, reading); break;
  }
  return reading;
}

void Probe::measure_http(const domain::ProbeSpec& spec, Reading& reading) {
  world::HttpRequest request;
  request.method = spec.method;
  request.url = spec.url;
  request.headers = spec.headers;
  request.body = spec.body;
  request.timeout = spec.timeout;
  request.follow_redirects = spec.follow_redirects;
  if (spec.bearer) {
    auto token = read_secret_(*spec.bearer);
    if (!token)
      return unknown(reading, "the bearer token cannot be read: " + token.error().message);
    request.headers.emplace_back("Authorization", "Bearer " + token.value());
  }
  const auto response = world_.http.exchange(request);
  if (!response)
    return bad(reading, "no answer: " + response.error().message);
  judge_answer(spec, response.value(), reading);
  if (reading.verdict == Verdict::ok)
    check_listener(spec, authority_of(spec.url).port, reading);
}

void Probe::measure_tcp(const domain::ProbeSpec& spec, Reading& reading) {
  const auto begun = world_.clock.monotonic();
  const auto connected = world_.http.connect(spec.host, spec.port, spec.timeout);
  reading.elapsed = world_.clock.monotonic() - begun;
  if (!connected)
    return bad(reading, "no connection: " + connected.error().message);
  reading.verdict = Verdict::ok;
  reading.detail = "connected in " + base::format_duration(reading.elapsed);
  check_listener(spec, spec.port, reading);
}

void Probe::check_listener(const domain::ProbeSpec& spec, int port, Reading& reading) {
  if (spec.service.empty())
    return;
  const domain::ServiceSpec* service = find_service_(spec.service);
  if (service == nullptr)
    return unknown(reading, "there is no service '" + spec.service + "'");
  const auto observed = runtime_.observe(*service);
  if (!observed)
    return unknown(reading, observed.error().message);
  const auto listeners = world_.processes.listeners(port);
  if (!listeners)
    return unknown(reading, listeners.error().message);
  const std::string& start_id = observed.value().start_id;
  const bool is_ours = std::ranges::any_of(listeners.value(), [&](const auto& process) {
    return !start_id.empty() && tag(process, "BELAY_START") == start_id;
  });
  if (is_ours)
    return;
  const std::string who = listeners.value().empty()
                              ? "a process that belay cannot see"
                              : "pid " + std::to_string(listeners.value().front().id.pid);
  bad(reading, "port " + std::to_string(port) + " is answered by " + who + ", not by service '" +
                   spec.service + "'");
}

void Probe::measure_command(const domain::ProbeSpec& spec, Reading& reading) {
  world::Command command;
  command.argv = spec.argv;
  if (command.argv.front().contains('/'))
    command.argv.front() = base::absolute_path(command.argv.front(), project_folder_);
  command.working_folder = project_folder_;
  command.environment = environment_;
  command.timeout = spec.timeout;
  const auto begun = world_.clock.monotonic();
  const auto output = world_.processes.run(command);
  reading.elapsed = world_.clock.monotonic() - begun;
  if (!output)
    return bad(reading, output.error().message);
  const std::string& said = output.value().out.empty() ? output.value().err : output.value().out;
  const std::string& complaint = output.value().err.empty() ? said : output.value().err;
  if (output.value().exit_code != 0)
    return bad(reading, "exit status " + std::to_string(output.value().exit_code) + ": " +
                            last_line(complaint));
  if (!spec.contains.empty() && !output.value().out.contains(spec.contains))
    return bad(reading, "the output does not contain '" + spec.contains + "'");
  reading.verdict = Verdict::ok;
  reading.detail = last_line(said);
  if (spec.value.empty())
    return;
  const auto found = find_json(output.value().out, spec.value);
  if (!found || !found.value().number)
    return bad(reading, found ? spec.value + " is not a number" : found.error().message);
  reading.number = found.value().number;
}

void Probe::measure_process(const domain::ProbeSpec& spec, Reading& reading) {
  const domain::ServiceSpec* service = find_service_(spec.service);
  if (service == nullptr)
    return unknown(reading, "there is no service '" + spec.service + "'");
  const auto observed = runtime_.observe(*service);
  if (!observed)
    return unknown(reading, observed.error().message);
  if (!observed.value().is_running)
    return bad(reading, observed.value().detail);
  reading.verdict = Verdict::ok;
  reading.detail = "pid " + std::to_string(observed.value().process->pid);
}

} // namespace drivers::probe
