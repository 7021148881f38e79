#include "sim/host.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <charconv>

namespace sim {
namespace {

constexpr std::int64_t startup_ms = 300;

int number_after(std::string_view text, std::string_view key, int otherwise) {
  const auto at = text.find(key);
  if (at == std::string_view::npos)
    return otherwise;
  int value = otherwise;
  std::from_chars(text.data() + at + key.size(), text.data() + text.size(), value);
  return value;
}

Program program_of(std::string_view content) {
  const auto has = [&](std::string_view word) {
    return content.find(word) != std::string_view::npos;
  };
  return {.version = number_after(content, "version=", 0),
          .migrates = has("migrates"),
          .never_ready = has("never_ready"),
          .damages = has("damages"),
          .ignores_term = has("ignores_term"),
          .refuses_newer = has("refuses_newer"),
          .dies_after_ms = number_after(content, "dies_after=", -1),
          .queue_a_second = number_after(content, "queue=", 0)};
}

std::string argument_after(const std::vector<std::string>& argv, std::string_view name) {
  const auto at = std::ranges::find(argv, name);
  return at == argv.end() || at + 1 == argv.end() ? "" : *(at + 1);
}

} // namespace

base::Error injected() {
  return {base::ErrorKind::failed, "injected", ""};
}

bool Host::is_database_file(std::string_view content) {
  return content.starts_with("sqlite layout=");
}

bool Host::read_fails() {
  return faults.next_read();
}

void Host::pass(std::int64_t milliseconds) {
  now_ms += milliseconds;
  monotonic_ms += milliseconds;
  std::vector<world::ProcessId> dying;
  for (const Service& service : services)
    if (service.program.dies_after_ms >= 0 &&
        monotonic_ms - service.started_ms >= service.program.dies_after_ms)
      dying.push_back(service.id);
  for (const auto& id : dying)
    kill(id, false);
  client_writes();
}

int Host::layout_of(const std::string& data, bool is_database) const {
  const Node* node = disk.find(is_database ? data : data + "/layout");
  if (node == nullptr)
    return 0;
  return is_database ? number_after(node->content, "layout=", 0)
                     : number_after("=" + node->content, "=", 0);
}

bool Host::is_damaged(const Service& service) const {
  const Node* node = disk.find(service.is_database ? service.data : service.data + "/writes");
  return node == nullptr || node->content.contains("damaged");
}

std::vector<int> Host::writes_in(const std::string& data, bool is_database) const {
  std::string lines;
  const Node* node = disk.find(is_database ? data : data + "/writes");
  if (node != nullptr)
    lines = node->content;
  if (const Node* wal = is_database ? disk.find(data + "-wal") : nullptr)
    lines += wal->content;
  std::vector<int> writes;
  for (const std::string& line : base::split(lines, '\n')) {
    int write = 0;
    if (std::from_chars(line.data(), line.data() + line.size(), write).ec == std::errc{})
      writes.push_back(write);
  }
  return writes;
}

bool Host::is_ready(const Service& service) const {
  if (service.program.never_ready || monotonic_ms - service.started_ms < startup_ms)
    return false;
  if (disk.find(service.is_database ? service.data : service.data + "/writes") == nullptr)
    return false;
  return !service.program.refuses_newer ||
         layout_of(service.data, service.is_database) <= service.program.version;
}

// As SQLite's salt: a WAL belongs to one database, whatever it is called later.
std::string Host::wal_head(const std::string& database) const {
  const Node* node = disk.find(database);
  return "#wal of " + std::to_string(node == nullptr ? 0 : node->inode) + "\n";
}

bool Host::has_foreign_wal(const std::string& database) const {
  const Node* wal = disk.find(database + "-wal");
  return wal != nullptr && !wal->content.starts_with(wal_head(database));
}

void Host::client_writes() {
  for (const Service& service : services) {
    if (!is_ready(service) || acknowledged[service.data].size() >= 60)
      continue;
    const std::string target =
        service.is_database ? service.data + "-wal" : service.data + "/writes";
    if (disk.find(target) == nullptr)
      disk.write(target, service.is_database ? wal_head(service.data) : "");
    disk.find(target)->content += std::to_string(next_write_) + "\n";
    acknowledged[service.data].push_back(next_write_++);
  }
}

void Host::at_start(Service& service) {
  const int layout = layout_of(service.data, service.is_database);
  if (service.program.migrates && layout < service.program.version) {
    if (!service.is_database)
      disk.write(service.data + "/layout", std::to_string(service.program.version));
    else if (Node* node = disk.find(service.data))
      node->content.replace(0, node->content.find('\n'),
                            "sqlite layout=" + std::to_string(service.program.version));
  }
  Node* node = disk.find(service.is_database ? service.data : service.data + "/writes");
  if (service.program.damages && node != nullptr && !node->content.contains("damaged")) {
    const auto head = service.is_database ? node->content.find('\n') + 1 : 0;
    node->content.resize(head + (node->content.size() - head) / 2);
    node->content += "\ndamaged\n";
  }
}

base::Result<world::ProcessId> Host::start(const world::ServiceStart& start) {
  const Node* file = disk.find(disk.real_to_end(start.argv.front()));
  if (file == nullptr || !file->content.starts_with("#!sim") || (file->mode & 0100U) == 0)
    return base::Error{base::ErrorKind::failed, "cannot execute '" + start.argv.front() + "'", ""};
  Service service;
  service.id = {next_pid_++, static_cast<std::uint64_t>(monotonic_ms), boot_id};
  service.environment = start.environment;
  service.program = program_of(file->content);
  service.port = number_after("=" + argument_after(start.argv, "--port"), "=", 0);
  service.is_database = !argument_after(start.argv, "--db").empty();
  service.data = argument_after(start.argv, service.is_database ? "--db" : "--data");
  service.started_ms = monotonic_ms;
  const bool port_is_taken =
      std::ranges::any_of(services, [&](const Service& s) { return s.port == service.port; });
  if (!port_is_taken) { // else it ends at once, as a real one would: bind fails
    at_start(service);
    services.push_back(service);
  }
  return service.id;
}

void Host::kill(const world::ProcessId& id, bool cleanly) {
  const auto service = std::ranges::find(services, id, &Service::id);
  if (service == services.end() || (cleanly && service->program.ignores_term))
    return;
  Node* wal = service->is_database ? disk.find(service->data + "-wal") : nullptr;
  if (cleanly && wal != nullptr && disk.find(service->data) != nullptr) {
    disk.find(service->data)->content += wal->content;
    disk.erase(service->data + "-wal");
  }
  services.erase(service);
}

void Host::crash(bool with_power_cut) {
  locks.clear(); // a lock dies with its holder
  if (with_power_cut)
    power_cut();
}

void Host::power_cut() {
  services.clear();
  boot_id += "'";
  monotonic_ms += 60'000;
  now_ms += 60'000;
}

} // namespace sim
