#include "drivers/probe/probe.hpp"

#include "base/text.hpp"
#include "base/url.hpp"
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

// The other side that does not answer is bad; a question that cannot be asked is unknown.
void failed(Reading& reading, const std::string& what, const base::Error& error) {
  const bool cannot_ask = error.kind == base::ErrorKind::invalid_input ||
                          error.kind == base::ErrorKind::not_found ||
                          error.kind == base::ErrorKind::interrupted;
  (cannot_ask ? unknown : bad)(reading, what + error.message);
}

void hide(std::string& text, const std::string& secret) {
  constexpr std::string_view hidden = "[secret]";
  for (auto at = text.find(secret); at != std::string::npos;
       at = text.find(secret, at + hidden.size()))
    text.replace(at, secret.size(), hidden);
}

void hide_all(std::string& text, const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets)
    hide(text, secret);
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

// An answer may repeat what it was asked with, also where the detail cuts it off: the detail is
// made of an answer without it.
void judge_without(const std::vector<std::string>& secrets, const domain::ProbeSpec& spec,
                   world::HttpResponse response, Reading& reading) {
  judge_answer(spec, response, reading);
  hide_all(response.body, secrets);
  Reading shown;
  judge_answer(spec, response, shown);
  reading.detail = shown.verdict == reading.verdict ? shown.detail
                                                    : "the answer repeats the secret of the probe";
}

// Of "http://name:password@host/": the part before the '@'.
std::string login_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos)
    return "";
  std::string_view rest = url.substr(scheme + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  const auto at = rest.rfind('@');
  return at == std::string_view::npos ? "" : std::string{rest.substr(0, at)};
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
  case domain::ProbeKind::mounted: measure_mounted(spec, reading); break;
  case domain::ProbeKind::metric: measure_metric(spec, reading); break;
  case domain::ProbeKind::promql: measure_promql(spec, reading); break;
  case domain::ProbeKind::log: measure_log(spec, reading); break;
  case domain::ProbeKind::disk: measure_disk(spec, reading); break;
  case domain::ProbeKind::memory: measure_memory(spec, reading); break;
  }
  return reading;
}

std::optional<world::HttpResponse> Probe::ask(const domain::ProbeSpec& spec, const std::string& url,
                                              std::size_t body_bytes_max,
                                              std::vector<std::string>& secrets, Reading& reading) {
  world::HttpRequest request;
  request.method = spec.method;
  request.url = url;
  request.headers = spec.headers;
  request.body = spec.body;
  request.timeout = spec.timeout;
  request.follow_redirects = spec.follow_redirects;
  request.body_bytes_max = body_bytes_max;
  if (std::string login = login_of(url); !login.empty())
    secrets.push_back(std::move(login));
  if (spec.bearer) {
    auto token = read_secret_(*spec.bearer);
    if (!token) {
      unknown(reading, "the bearer token cannot be read: " + token.error().message);
      return std::nullopt;
    }
    if (token.value().empty() || std::ranges::any_of(token.value(), is_control)) {
      unknown(reading, "the bearer token is empty or has a line break in it");
      return std::nullopt;
    }
    request.headers.emplace_back("Authorization", "Bearer " + token.value());
    secrets.push_back(std::move(token).value());
  }
  const auto begun = world_.clock.monotonic();
  auto response = world_.http.exchange(request);
  reading.elapsed = world_.clock.monotonic() - begun;
  if (!response) {
    failed(reading, "no answer: ", response.error());
    hide_all(reading.detail, secrets);
    return std::nullopt;
  }
  return std::move(response).value();
}

void Probe::measure_http(const domain::ProbeSpec& spec, Reading& reading) {
  std::vector<std::string> secrets;
  auto response = ask(spec, spec.url, 1U << 20U, secrets, reading);
  if (!response)
    return;
  judge_without(secrets, spec, std::move(*response), reading);
  hide_all(reading.detail, secrets);
  if (spec.is_age && reading.number)
    turn_to_age(reading);
  if (reading.verdict == Verdict::ok)
    check_listener(spec, base::port_of_url(spec.url), reading);
}

void Probe::measure_tcp(const domain::ProbeSpec& spec, Reading& reading) {
  const auto begun = world_.clock.monotonic();
  const auto connected = world_.http.connect(spec.host, spec.port, spec.timeout);
  reading.elapsed = world_.clock.monotonic() - begun;
  if (!connected)
    return failed(reading, "no connection: ", connected.error());
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
  // An engine listens in its place, or passes it on in the kernel.
  if (std::ranges::find(observed.value().ports, port) != observed.value().ports.end())
    return;
  const auto listeners = world_.processes.listeners(port);
  if (!listeners)
    return unknown(reading, listeners.error().message);
  // By its start, not only by its service: what an earlier start left behind is not it. All of
  // them, for behind one port two processes may listen, on IPv4 and on IPv6.
  const std::string& start_id = observed.value().start_id;
  std::vector<std::string> others;
  const auto& pids = observed.value().pids;
  for (const world::ProcessInfo& process : listeners.value())
    if ((start_id.empty() || tag(process, "BELAY_START") != start_id) &&
        std::ranges::find(pids, process.id.pid) == pids.end())
      others.push_back("pid " + std::to_string(process.id.pid));
  if (!listeners.value().empty() && others.empty())
    return;
  const bool is_shared = others.size() < listeners.value().size();
  const std::string who =
      others.empty() ? "a process that belay cannot see" : base::join(others, ", ");
  bad(reading, "port " + std::to_string(port) + " is answered by " + who +
                   (is_shared ? " as well as" : ", not") + " by service '" + spec.service + "'");
}

void Probe::measure_command(const domain::ProbeSpec& spec, Reading& reading) {
  if (spec.argv.empty())
    return unknown(reading, "there is no command to run");
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
    return failed(reading, "", output.error());
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
  reading.number = found ? number_of(spec, found.value()) : std::nullopt;
  if (!reading.number)
    return bad(reading, !found ? found.error().message
                               : spec.value + (spec.is_age ? " is not a time with its zone"
                                                           : " is not a number"));
  if (spec.is_age)
    turn_to_age(reading);
}

void Probe::measure_process(const domain::ProbeSpec& spec, Reading& reading) {
  const domain::ServiceSpec* service = find_service_(spec.service);
  if (service == nullptr)
    return unknown(reading, "there is no service '" + spec.service + "'");
  const auto begun = world_.clock.monotonic();
  const auto observed = runtime_.observe(*service);
  reading.elapsed = world_.clock.monotonic() - begun;
  if (!observed)
    return unknown(reading, observed.error().message);
  if (!observed.value().is_running)
    return bad(reading, observed.value().detail);
  reading.number = observed.value().restarts;
  if (observed.value().health == domain::Health::starting)
    return bad(reading, "its health check has not passed yet");
  if (observed.value().health == domain::Health::unhealthy)
    return bad(reading, "its health check fails: " + base::printable(observed.value().detail));
  reading.verdict = Verdict::ok;
  const auto& process = observed.value().process;
  reading.detail = process ? "pid " + std::to_string(process->pid) + " lives" : "it runs";
  if (observed.value().health == domain::Health::healthy)
    reading.detail += ", and is healthy";
  if (observed.value().restarts > 0)
    reading.detail += ", restarted " + std::to_string(observed.value().restarts) + " times";
}

// Empty when the service sees at `at` the very folder that `wanted` (a volume, or a folder) is, and
// there is something in it: an empty one cannot be told from one that was made a moment ago.
std::string Probe::wrong_mount(const std::vector<domain::Mount>& mounts, int pid,
                               const std::string& at, const std::string& wanted) {
  const auto found = std::ranges::find(mounts, at, &domain::Mount::at);
  if (found == mounts.end())
    return "nothing is mounted at '" + at + "', wanted '" + wanted + "'";
  if (found->source != wanted) {
    const auto real = world_.files.resolve(wanted);
    if (!wanted.starts_with('/') || !real || real.value() != found->source)
      return "'" + found->source + "' is mounted at '" + at + "', wanted '" + wanted + "'";
  }
  const auto here = world_.files.info(found->folder);
  if (!here)
    return "'" + found->folder + "' cannot be looked at: " + here.error().message;
  if (!here.value())
    return "'" + found->folder + "', which is to be seen at '" + at + "', is not there";
  const auto seen = world_.files.info("/proc/" + std::to_string(pid) + "/root" + at);
  if (pid != 0 && seen && seen.value() &&
      (seen.value()->device != here.value()->device || seen.value()->inode != here.value()->inode))
    return "what is seen at '" + at + "' is not what '" + found->folder +
           "' is now: it was mounted or replaced after the start";
  if (here.value()->kind != world::EntryKind::folder)
    return "";
  const auto is_empty = world_.files.is_empty(found->folder);
  if (!is_empty)
    return is_empty.error().message;
  return is_empty.value() ? "'" + wanted + "', seen at '" + at + "', is empty" : "";
}

void Probe::measure_mounted(const domain::ProbeSpec& spec, Reading& reading) {
  const domain::ServiceSpec* service = find_service_(spec.service);
  if (service == nullptr)
    return unknown(reading, "there is no service '" + spec.service + "'");
  const auto begun = world_.clock.monotonic();
  const auto observed = runtime_.observe(*service);
  if (!observed)
    return unknown(reading, observed.error().message);
  if (!observed.value().is_running)
    return bad(reading, observed.value().detail);
  const auto mounts = runtime_.mounts(*service);
  reading.elapsed = world_.clock.monotonic() - begun;
  if (!mounts)
    return unknown(reading, mounts.error().message);
  const int pid = observed.value().process ? observed.value().process->pid : 0;
  std::vector<std::string> wrong;
  for (const auto& [at, wanted] : spec.mounts)
    if (std::string why = wrong_mount(mounts.value(), pid, at, wanted); !why.empty())
      wrong.push_back(std::move(why));
  if (!wrong.empty())
    return bad(reading, base::join(wrong, "; "));
  reading.verdict = Verdict::ok;
  reading.detail = base::plural(spec.mounts.size(), "mount is", "mounts are") + " there";
}

} // namespace drivers::probe
