// The composition root: builds the World and the drivers, wires them, nothing else.

#include "app/held_files.hpp"
#include "app/held_lines.hpp"
#include "app/runtimes.hpp"
#include "checks/preflight.hpp"
#include "cli/cli.hpp"
#include "drivers/directory/store.hpp"
#include "drivers/docker/compose_runtime.hpp"
#include "drivers/docker/held_containers.hpp"
#include "drivers/docker/runtime.hpp"
#include "drivers/docker/volume.hpp"
#include "drivers/exec/runtime.hpp"
#include "drivers/exec/store.hpp"
#include "drivers/postgres/data_store.hpp"
#include "drivers/postgres/store.hpp"
#include "drivers/probe/probe.hpp"
#include "drivers/process/runtime.hpp"
#include "drivers/redis/store.hpp"
#include "drivers/sqlite/store.hpp"
#include "drivers/systemd/held_units.hpp"
#include "drivers/systemd/runtime.hpp"
#include "os/channels.hpp"
#include "os/clock.hpp"
#include "os/effects.hpp"
#include "os/files.hpp"
#include "os/folders.hpp"
#include "os/http.hpp"
#include "os/http_server.hpp"
#include "os/line_input.hpp"
#include "os/machine.hpp"
#include "os/processes.hpp"
#include "os/prompt.hpp"
#include "os/redis.hpp"
#include "os/resources.hpp"
#include "os/sqlite.hpp"
#include "os/supervisor.hpp"
#include "os/trees.hpp"

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <iostream>

#include <sys/stat.h>
#include <unistd.h>

namespace {

config::Environment read_environment() {
  config::Environment environment;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string entry = *at;
    if (const auto equals = entry.find('='); equals != std::string::npos)
      environment[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  return environment;
}

constexpr const char* units_folder = "/etc/systemd/system";

std::string value_of(const world::Environment& tags, const std::string& name) {
  const auto found = std::ranges::find(tags, name, &world::Environment::value_type::first);
  return found == tags.end() ? "" : found->second;
}

std::string value_of(const config::Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

// What every service gets: enough to find programs and a home, and nothing of the operator's shell.
world::Environment base_environment(const config::Environment& environment) {
  world::Environment base;
  for (const char* name : {"PATH", "HOME", "LANG", "TZ", "USER", "LOGNAME"})
    if (const auto found = environment.find(name); found != environment.end())
      base.emplace_back(found->first, found->second);
  return base;
}

class Machinery final : public app::Machinery {
public:
  Machinery(world::World world, world::Redis& redis, const config::Environment& environment,
            domain::Stack stack, const world::Environment& tags)
      : stack_{std::move(stack)}, read_secret_{[world,
                                                environment](const domain::SecretRef& secret) {
          return config::read_secret(world.files, secret, environment);
        }},
        process_{world,
                 stack_.name,
                 stack_.project_folder,
                 stack_.state_folder,
                 read_secret_,
                 base_environment(environment)},
        systemd_{world,
                 stack_.name,
                 stack_.project_folder,
                 stack_.state_folder,
                 value_of(environment, "PATH"),
                 units_folder},
        docker_{world,
                stack_.name,
                stack_.state_folder,
                stack_.docker_socket,
                read_secret_,
                stack_.preflight.hold_containers},
        compose_{world, stack_, docker_}, site_{stack_.name, stack_.project_folder,
                                                stack_.state_folder, read_secret_},
        exec_runtime_{world, site_}, held_files_{world, stack_.preflight.hold},
        held_lines_{world,
                    stack_.preflight.hold_lines,
                    stack_.state_folder,
                    {stack_.name, value_of(tags, "BELAY_OPERATION")}},
        held_units_{world, stack_.preflight.hold_units, stack_.name, stack_.state_folder,
                    units_folder},
        held_containers_{world, stack_, docker_},
        runtimes_{{{domain::RuntimeKind::process, &process_},
                   {domain::RuntimeKind::systemd, &systemd_},
                   {domain::RuntimeKind::docker, &docker_},
                   {domain::RuntimeKind::compose, &compose_},
                   {domain::RuntimeKind::exec, &exec_runtime_}},
                  {&held_files_, &held_lines_, &held_units_, &held_containers_}},
        probe_{world,
               runtimes_,
               [this](const std::string& name) { return find(name); },
               read_secret_,
               stack_.project_folder,
               tags},
        directory_{world}, sqlite_{world}, exec_store_{world, site_}, volumes_{world,
                                                                               stack_.docker_socket,
                                                                               directory_, stack_},
        databases_{world, {stack_.name, stack_.state_folder, read_secret_}},
        postgres_{world, directory_, databases_, read_secret_},
        redis_{world, redis, directory_, volumes_, {stack_.state_folder, read_secret_}},
        preflight_{world, resources_, stack_, read_secret_} {}

  engine::Drivers drivers() override {
    return {.runtime = runtimes_,
            .probe = probe_,
            .directory = directory_,
            .sqlite = sqlite_,
            .exec = &exec_store_,
            .preflight = &preflight_,
            .postgres = &postgres_,
            .volume = &volumes_,
            .redis = &redis_};
  }

private:
  const domain::ServiceSpec* find(const std::string& name) const {
    const auto found = std::ranges::find(stack_.services, name, &domain::ServiceSpec::name);
    return found == stack_.services.end() ? nullptr : &*found;
  }

  domain::Stack stack_;
  drivers::process::SecretReader read_secret_;
  drivers::process::Runtime process_;
  drivers::systemd::Runtime systemd_;
  drivers::docker::Runtime docker_;
  drivers::docker::ComposeRuntime compose_;
  drivers::exec::Site site_;
  drivers::exec::Runtime exec_runtime_;
  app::HeldFiles held_files_;
  app::HeldLines held_lines_;
  drivers::systemd::HeldUnits held_units_;
  drivers::docker::HeldContainers held_containers_;
  app::Runtimes runtimes_;
  drivers::probe::Probe probe_;
  drivers::directory::Store directory_;
  drivers::sqlite::Store sqlite_;
  drivers::exec::Store exec_store_;
  drivers::docker::VolumeStore volumes_;
  drivers::postgres::Store databases_;
  drivers::postgres::DataStore postgres_;
  drivers::redis::Store redis_;
  os::Resources resources_;
  checks::Preflight preflight_;
};

// What speaks to our supervisor is ours alone: a service or a hook that inherited it would speak as
// if it were us.
os::Supervisor take_supervisor(config::Environment& environment) {
  os::Supervisor supervisor{{.notify_socket = value_of(environment, "NOTIFY_SOCKET"),
                             .watchdog_usec = value_of(environment, "WATCHDOG_USEC"),
                             .watchdog_pid = value_of(environment, "WATCHDOG_PID")}};
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
    environment.erase(name);
    ::unsetenv(name);
  }
  return supervisor;
}

std::string working_folder() {
  char path[PATH_MAX];
  return ::getcwd(path, sizeof path) == nullptr ? "/" : path;
}

} // namespace

int main(int argc, char** argv) {
  ::umask(077); // whatever belay makes is its owner's; a service gets 022 back
  os::give_back_large_memory();
  os::install_stop_signals();
  config::Environment environment = read_environment();
  // For a scheduler that may not be there any more when we end; of us alone, not of our children.
  const std::string status_path = value_of(environment, "BELAY_STATUS_FILE");
  environment.erase("BELAY_STATUS_FILE");
  ::unsetenv("BELAY_STATUS_FILE");
  os::Supervisor supervisor = take_supervisor(environment);
  const auto effects = os::make_effects({.log_path = value_of(environment, "BELAY_EFFECTS_LOG"),
                                         .pause_at = value_of(environment, "BELAY_PAUSE_AT"),
                                         .pause_file = value_of(environment, "BELAY_PAUSE_FILE")});
  os::Files files{*effects};
  os::Folders folders{*effects};
  os::Machine machine;
  os::Channels channels;
  os::Trees trees{*effects};
  os::Processes processes{*effects};
  os::Http http{*effects};
  os::HttpServer http_server;
  os::LineInput line_input{STDIN_FILENO};
  os::Sqlite sqlite{*effects};
  os::Redis redis{*effects};
  os::Clock clock;
  os::Prompt prompt{STDIN_FILENO, clock};
  os::Random random;
  cli::Printer printer{stdout, {}};
  const world::World world{files, trees, processes, http, sqlite, clock, random, printer};
  app::Host host{world, environment, "",
                 [&](const domain::Stack& stack, const world::Environment& tags) {
                   return std::make_unique<Machinery>(world, redis, environment, stack, tags);
                 }};
  const cli::Terminal terminal{
      .out = stdout,
      .err = stderr,
      .is_input_terminal = ::isatty(STDIN_FILENO) != 0,
      .is_output_terminal = ::isatty(STDOUT_FILENO) != 0,
      .has_no_colour = environment.contains("NO_COLOR"),
      .read_line = [&] { return prompt.line(); },
      .read_password = [&](const std::string& question) { return prompt.password(question); },
      .working_folder = working_folder(),
      .version = BELAY_VERSION,
      .folders = &folders,
      .machine = &machine,
      .channels = &channels,
      .http_server = &http_server,
      .supervisor = &supervisor,
      .line_input = &line_input};
  const int status = cli::run({argv + 1, argv + argc}, std::move(host), printer, terminal);
  if (!status_path.empty())
    if (const auto kept = files.replace(status_path, std::to_string(status) + "\n", 0600); !kept)
      std::cerr << "belay: " << kept.error().message << "\n";
  return status;
}
