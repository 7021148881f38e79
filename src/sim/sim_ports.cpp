#include "base/digest.hpp"
#include "base/text.hpp"
#include "sim/sim_world.hpp"

#include <algorithm>
#include <charconv>

namespace sim {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

world::ProcessInfo info_of(const Service& service) {
  world::ProcessInfo info;
  info.id = service.id;
  info.parent_pid = 1;
  info.is_leader = true;
  for (const auto& [name, value] : service.environment)
    if (name.starts_with("BELAY_"))
      info.tags.emplace_back(name, value);
  return info;
}

Error refused() {
  return {ErrorKind::unavailable, "connection refused", ""};
}

} // namespace

// `true` and `false`; `sim-fail-if FILE` fails when FILE exists; `sim-migrate FILE TEXT` writes.
Result<world::Output> SimProcesses::run(const world::Command& command) {
  return host_.effect<world::Output>(true, [&]() -> Result<world::Output> {
    const auto& argv = command.argv;
    if (!command.input_path.empty() && host_.disk.find(command.input_path) == nullptr)
      return Error{ErrorKind::not_found, "'" + command.input_path + "' does not exist", ""};
    if (!command.output_path.empty())
      host_.disk.write(command.output_path, ""); // no command here prints anything
    if (const auto known = host_.answers.find(base::join(argv, " ")); known != host_.answers.end())
      return known->second;
    if (argv[0] == "sim-migrate")
      host_.disk.write(argv[1], argv[2]);
    const bool fails =
        argv[0] == "false" || (argv[0] == "sim-fail-if" && host_.disk.find(argv[1]) != nullptr);
    return world::Output{fails ? 1 : 0, "", fails ? "failed as told" : ""};
  });
}

Result<world::ProcessId> SimProcesses::start(const world::ServiceStart& start) {
  return host_.effect<world::ProcessId>(true, [&] { return host_.start(start); });
}

Result<std::vector<world::ProcessInfo>>
SimProcesses::find(const std::string&, const std::string& name, const std::string& value) {
  if (host_.read_fails())
    return injected();
  std::vector<world::ProcessInfo> found;
  for (const Service& service : host_.services)
    for (const auto& [key, text] : service.environment)
      if (key == name && text == value)
        found.push_back(info_of(service));
  return found;
}

Result<bool> SimProcesses::is_alive(const world::ProcessId& id) {
  if (host_.read_fails())
    return injected();
  return std::ranges::find(host_.services, id, &Service::id) != host_.services.end();
}

Result<> SimProcesses::signal(const world::ProcessId& id, world::Signal signal) {
  return host_.effect<void>(false, [&]() -> Result<> {
    host_.kill(id, signal != world::Signal::kill);
    return ok();
  });
}

Result<std::vector<world::ProcessInfo>> SimProcesses::listeners(int port) {
  if (host_.read_fails())
    return injected();
  std::vector<world::ProcessInfo> found;
  for (const Service& service : host_.services)
    if (service.port == port)
      found.push_back(info_of(service));
  return found;
}

Result<std::vector<world::ListeningProcess>> SimProcesses::all_listeners() {
  if (host_.read_fails())
    return injected();
  return host_.listening;
}

Result<world::ProcessId> SimProcesses::self() {
  return world::ProcessId{1, 1, host_.boot_id};
}

const Service* SimHttp::service_at(int port) const {
  const auto found = std::ranges::find(host_.services, port, &Service::port);
  return found == host_.services.end() ? nullptr : &*found;
}

Result<world::HttpResponse> SimHttp::exchange(const world::HttpRequest& request) {
  if (host_.read_fails())
    return refused();
  if (const auto page = host_.pages.find(request.url); page != host_.pages.end())
    return page->second;
  const auto colon = request.url.rfind(':');
  const auto slash = request.url.find('/', colon == std::string::npos ? 0 : colon + 3);
  int port = 0;
  if (colon != std::string::npos)
    std::from_chars(request.url.data() + colon + 1, request.url.data() + request.url.size(), port);
  const Service* service = service_at(port);
  if (service == nullptr)
    return refused();
  world::HttpResponse response;
  response.status = host_.is_ready(*service) ? 200 : 503;
  const auto writes = host_.writes_in(service->data, service->is_database);
  const bool is_smoke = slash != std::string::npos && request.url.substr(slash) == "/smoke";
  if (is_smoke && host_.is_damaged(*service))
    response.status = 500;
  response.body = std::string{"{\"status\":\""} + (response.status == 200 ? "ok" : "bad") +
                  "\",\"version\":" + std::to_string(service->program.version) +
                  ",\"writes\":" + std::to_string(writes.size()) + ",\"queue\":" +
                  std::to_string(3 + service->program.queue_a_second *
                                         (host_.monotonic_ms - service->started_ms) / 1000) +
                  "}";
  return response;
}

Result<> SimHttp::send(const world::Mail&) {
  return refused();
}

Result<> SimHttp::connect(const std::string&, int port, world::Milliseconds) {
  if (host_.read_fails() || service_at(port) == nullptr)
    return refused();
  return ok();
}

Result<> SimSqlite::backup(const std::string& from, const std::string& to) {
  return host_.effect<void>(true, [&]() -> Result<> {
    const Node* node = host_.disk.find(from);
    if (node == nullptr)
      return Error{ErrorKind::not_found, "no such database '" + from + "'", ""};
    if (!Host::is_database_file(node->content))
      return Error{ErrorKind::corrupt, "'" + from + "' is not a database", ""};
    const Node* wal = host_.disk.find(from + "-wal");
    host_.disk.write(to, node->content + (wal == nullptr ? "" : wal->content), node->mode);
    return ok();
  });
}

Result<> SimSqlite::check(const std::string& path) {
  if (host_.read_fails())
    return injected();
  const Node* node = host_.disk.find(path);
  if (node == nullptr)
    return Error{ErrorKind::not_found, "no such database '" + path + "'", ""};
  if (!Host::is_database_file(node->content))
    return Error{ErrorKind::corrupt, "'" + path + "' is not a database", ""};
  return ok();
}

Result<world::SqliteFingerprint> SimSqlite::fingerprint(const std::string& path) {
  TRY(check(path));
  const std::string& content = host_.disk.find(path)->content;
  const Node* wal = host_.disk.find(path + "-wal");
  const auto head = content.find('\n');
  const std::string rows = content.substr(head + 1) + (wal == nullptr ? "" : wal->content);
  world::SqliteFingerprint print;
  print.schema_sha256 = content.substr(0, head);
  print.content_sha256 = std::to_string(std::hash<std::string>{}(rows));
  print.rows = static_cast<std::uint64_t>(std::ranges::count(rows, '\n'));
  return print;
}

Result<> SimSqlite::fold(const std::string& path) {
  return host_.effect<void>(true, [&]() -> Result<> {
    Node* node = host_.disk.find(path);
    if (node == nullptr || !Host::is_database_file(node->content))
      return Error{ErrorKind::corrupt, "'" + path + "' is not a database", ""};
    if (const Node* wal = host_.disk.find(path + "-wal")) {
      node->content += wal->content;
      host_.disk.erase(path + "-wal");
    }
    return ok();
  });
}

std::string SimRandom::hex(std::size_t count) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (std::size_t at = 0; at < count; ++at)
    text += digits[host_.random() % digits.size()];
  return text;
}

void SimRandom::fill(std::span<unsigned char> bytes) {
  for (unsigned char& byte : bytes)
    byte = static_cast<unsigned char>(host_.random());
}

} // namespace sim
