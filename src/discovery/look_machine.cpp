// Looker, the part that looks at the machine: processes, PostgreSQL sockets, Helm releases.

#include "base/text.hpp"
#include "discovery/looker.hpp"
#include "discovery/parse.hpp"

#include <algorithm>
#include <array>

namespace discovery {

using world::Milliseconds;

namespace {

constexpr Milliseconds http_timeout{1000};
constexpr Milliseconds tool_timeout{5000};

// What a shell, a login or a service manager sets for everyone.
bool is_common(const std::string& name) {
  constexpr std::array names{"PATH",
                             "HOME",
                             "PWD",
                             "OLDPWD",
                             "SHLVL",
                             "_",
                             "TERM",
                             "LANG",
                             "LANGUAGE",
                             "USER",
                             "LOGNAME",
                             "SHELL",
                             "MAIL",
                             "TZ",
                             "HOSTNAME",
                             "TMPDIR",
                             "EDITOR",
                             "PAGER",
                             "DISPLAY",
                             "COLORTERM",
                             "LS_COLORS",
                             "INVOCATION_ID",
                             "JOURNAL_STREAM",
                             "NOTIFY_SOCKET",
                             "SYSTEMD_EXEC_PID",
                             "DEBIAN_FRONTEND"};
  constexpr std::array starts{"LC_",     "SSH_", "XDG_", "DBUS_", "SUDO_", "BELAY_",
                              "VSCODE_", "npm_", "NVM_", "GIT_",  "TMUX"};
  return std::ranges::find(names, name) != names.end() ||
         std::ranges::any_of(starts, [&](const char* start) { return name.starts_with(start); });
}

std::string reached_at(const std::string& address) {
  if (address == "0.0.0.0" || address == "::" || address.starts_with("127."))
    return "127.0.0.1";
  return address.contains(':') ? "[" + address + "]" : address;
}

} // namespace

// The paths by which services tell that they are well; the first that does is taken.
HttpAnswer Looker::ask(const std::string& host, int port) {
  HttpAnswer first;
  for (const char* path : {"/health", "/healthz", "/readyz", "/ready", "/api/health",
                           "/api/healthz", "/-/healthy", "/status", "/"}) {
    world::HttpRequest request;
    request.url = "http://" + host + ":" + std::to_string(port) + path;
    request.timeout = http_timeout;
    const auto response = world_.http.exchange(request);
    if (!response) // it speaks something else, or not at all
      return first;
    if (response.value().status == 200)
      return {request.url, 200, says_ok(response.value().body)};
    first = {request.url, response.value().status, false};
  }
  return first.status < 500 ? first : HttpAnswer{};
}

void Looker::add_process(const world::ListeningProcess& listener) {
  Process process;
  const std::string who = "process " + std::to_string(listener.process.id.pid);
  process.pid = listener.process.id.pid;
  process.working_folder = listener.working_folder;
  process.user = listener.user;
  if (is_command(listener.argv))
    process.argv = words_of(listener.argv, listener.working_folder);
  for (const std::string& path : listener.written_files)
    if (base::is_inside(path, seen_.folder))
      process.written_files.push_back(path);
  const bool has_word_here =
      std::ranges::any_of(process.argv, [](const Word& word) { return !word.path.empty(); });
  if (!base::is_inside(process.working_folder, seen_.folder) && !has_word_here &&
      process.written_files.empty())
    return;
  process.port = listener.ports.front().port;
  process.address = reached_at(listener.ports.front().address);
  for (const world::ListeningPort& each : listener.ports)
    if (each.port != process.port &&
        std::ranges::find(process.more_ports, each.port) == process.more_ports.end())
      process.more_ports.push_back(each.port);
  process.http = ask(process.address, process.port);
  for (const auto& [name, value] : listener.environment) {
    process.is_belays = process.is_belays || name == "BELAY_SERVICE";
    if (is_common(name))
      continue;
    process.variables.push_back(name);
    if (value == std::to_string(process.port))
      process.port_variables.push_back(name);
  }
  std::ranges::sort(process.variables);
  add(who, process);
  add_data_of(who, process);
}

void Looker::look_at_processes() {
  const auto all = world_.processes.all_listeners();
  if (!all) {
    seen_.unseen.push_back("processes: " + all.error().message);
    return;
  }
  const auto self = world_.processes.self();
  for (const world::ListeningProcess& listener : all.value()) {
    // Workers share the socket of the process that made them.
    const bool is_worker = std::ranges::any_of(all.value(), [&](const auto& other) {
      return other.process.id.pid == listener.process.parent_pid &&
             other.ports.front() == listener.ports.front();
    });
    if (!is_worker && !(self && self.value() == listener.process.id))
      add_process(listener);
  }
}

void Looker::look_for_postgres() {
  std::set<std::string> sockets;
  for (const char* folder : {"/run/postgresql", "/var/run/postgresql", "/tmp"}) {
    const auto real = world_.files.resolve(folder);
    const auto names = real ? world_.files.list(real.value()) : real.error();
    if (names)
      for (const std::string& name : names.value())
        if (name.starts_with(".s.PGSQL.") && !name.ends_with(".lock"))
          sockets.insert(real.value() + "/" + name);
  }
  for (const std::string& socket : sockets)
    add(socket, PostgresSocket{});
}

void Looker::look_for_helm() {
  const auto ask_tool = [&](std::vector<std::string> argv) {
    const std::string name = argv.front();
    world::Command command;
    command.argv = std::move(argv);
    command.timeout = tool_timeout;
    const auto output = world_.processes.run(command);
    const bool is_there = output || output.error().kind != base::ErrorKind::not_found;
    const bool is_good = output && output.value().exit_code == 0;
    if (is_there && !is_good)
      seen_.unseen.push_back(name + " does not answer");
    return is_good ? output.value().out : "";
  };
  auto releases = parse_helm(ask_tool({"helm", "list", "--all-namespaces", "--output", "json"}));
  std::string tool = "helm";
  if (releases.empty()) {
    tool = "kubectl";
    const std::string columns =
        "custom-columns=P:.metadata.namespace,N:.metadata.labels.name,S:.metadata.labels.status";
    releases = parse_kubectl(
        ask_tool({"kubectl", "get", "secrets", "--all-namespaces", "--selector", "owner=helm",
                  "--request-timeout", "3s", "--no-headers", "--output", columns}));
  }
  for (HelmRelease& release : releases)
    add(tool, std::move(release));
}

} // namespace discovery
