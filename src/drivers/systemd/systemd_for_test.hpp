#pragma once
// SystemdForTest: a systemd in memory behind the Processes port, with unit files on the simulated
// disk. Each of its commands that changes something is an effect, so that faults can hit it.

#include "base/text.hpp"
#include "drivers/systemd/files.hpp"
#include "drivers/systemd/runtime.hpp"
#include "sim/sim_world.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace drivers::systemd {

struct FakeUnit {
  std::string load = "loaded";
  std::string active = "inactive";
  std::string result = "success";
  std::string invocation;
  std::string restart = "always"; // as the unit file says it
  std::string type = "simple";
  std::string own_program = "/usr/bin/false"; // as the unit file says it
  std::string program = own_program;
  std::vector<std::string> triggers;
  std::string other_drop_ins; // paths
  int main_pid = 0;
  int restarts = 0;
  bool starts_badly = false;  // every start ends at once
  bool ignores_stop = false;  // until it is killed
  bool survives_kill = false; // hangs in the kernel
  bool is_enabled = true;     // a boot starts it
  // What daemon-reload has read of the drop-ins.
  bool has_release = false;
  bool has_hold = false;
  std::string gate;
  std::string environment;
};

class SystemdForTest final : public world::Processes {
public:
  explicit SystemdForTest(sim::SimWorld& sim) : sim_{sim} {}

  world::World ports() {
    world::World ports = sim_.ports();
    return {ports.files,  ports.trees, *this,        ports.http,
            ports.sqlite, ports.clock, ports.random, ports.events};
  }

  base::Result<world::Output> run(const world::Command& command) override {
    const auto& argv = command.argv;
    if (is_missing)
      return base::Error{base::ErrorKind::not_found, "there is no program 'systemctl'", ""};
    asked.push_back(base::join(argv, " "));
    if (argv[0] == "journalctl")
      return world::Output{0, "log of " + argv.back().substr(14) + "\n", ""};
    const auto verb = std::ranges::find_if(argv, [](const std::string& word) {
      return word == "show" || word == "start" || word == "stop" || word == "daemon-reload" ||
             word == "kill" || word == "reset-failed";
    });
    CHECK(verb != argv.end());
    if (*verb == "show")
      return show(argv.back(), argv[3]);
    if (*verb == broken_verb)
      return world::Output{1, "", "it is broken"};
    const std::vector<std::string> names{std::ranges::find(argv, "--") == argv.end()
                                             ? argv.end()
                                             : std::ranges::find(argv, "--") + 1,
                                         argv.end()};
    return sim_.host.effect<world::Output>(false, [&] { return act(*verb, names); });
  }

  base::Result<world::ProcessId> start(const world::ServiceStart&) override { return other(); }
  base::Result<std::vector<world::ProcessInfo>> find(const std::string&, const std::string&,
                                                     const std::string&) override {
    return other();
  }
  base::Result<bool> is_alive(const world::ProcessId&) override { return other(); }
  base::Result<> signal(const world::ProcessId&, world::Signal) override { return other(); }
  base::Result<std::vector<world::ProcessInfo>> listeners(int) override { return other(); }
  base::Result<std::vector<world::ListeningProcess>> all_listeners() override { return other(); }
  base::Result<std::uint64_t> memory_bytes(const std::vector<world::ProcessId>& all) override {
    return all.size() * 1000;
  }
  base::Result<world::ProcessId> self() override { return sim_.ports().processes.self(); }

  // As if somebody else, or the unit's timer, started it. False: systemd refused.
  bool start_by_others(const std::string& name) {
    FakeUnit& unit = units.at(name);
    if (name.ends_with(".socket") && std::ranges::any_of(units, [&](const auto& other) {
          return other.second.active == "active" &&
                 std::ranges::find(other.second.triggers, name) != other.second.triggers.end();
        }))
      return true; // says systemctl: the job fails later
    if (unit.load != "loaded" || (unit.has_hold && sim_.host.disk.find(unit.gate) == nullptr))
      return false;
    begin(unit);
    return true;
  }
  void die(const std::string& name) {
    FakeUnit& unit = units.at(name);
    end(unit, "failed");
    unit.result = "exit-code";
    if (unit.restart == "always" && !unit.has_hold && start_by_others(name))
      ++unit.restarts;
  }
  // The machine comes back: only what is on the disk counts, and what is enabled is started.
  void boot() {
    for (auto& [name, unit] : units)
      end(unit, "inactive");
    for (auto& [name, unit] : units)
      unit.invocation.clear();
    reload();
    for (auto& [name, unit] : units)
      if (unit.is_enabled)
        start_by_others(name);
  }
  void reload() {
    for (auto& [name, unit] : units) {
      const auto text = [&, &unit_name = name](const std::string& which) -> std::string {
        const auto* node = sim_.host.disk.find("/units/" + unit_name + ".d/zz-belay-" + which);
        return node == nullptr ? "" : node->content;
      };
      const std::string release = text("release.conf");
      const std::string hold = text("hold.conf");
      unit.has_release = !release.empty();
      unit.has_hold = !hold.empty();
      unit.gate.clear();
      unit.environment.clear();
      unit.program = unit.own_program;
      for (const std::string& line : base::split(hold, '\n'))
        if (line.starts_with("AssertPathExists="))
          unit.gate = line.substr(17);
      for (const std::string& line : base::split(release, '\n'))
        if (line.starts_with("ExecStart=\""))
          unit.program = line.substr(11, line.find('"', 11) - 11);
        else if (line.starts_with("Environment=\""))
          unit.environment = line.substr(13, line.size() - 14);
    }
  }

  std::map<std::string, FakeUnit> units;
  std::vector<std::string> asked;              // each command, words joined by blanks
  std::string broken_verb;                     // this one reports failure and does nothing
  std::string ignored_verb;                    // this one reports success and does nothing
  std::map<std::string, std::string> ran_from; // invocation to program
  bool is_missing = false;

private:
  static base::Error other() { return {base::ErrorKind::failed, "not for a unit", ""}; }

  std::string cgroup_of(const FakeUnit& unit) const {
    for (const auto& [name, each] : units)
      if (&each == &unit)
        return "/sys/fs/cgroup/" + name + "/cgroup.procs";
    return "";
  }
  void begin(FakeUnit& unit) {
    if (unit.main_pid != 0)
      return;
    unit.invocation = "inv" + std::to_string(++starts_);
    ran_from[unit.invocation] = unit.program;
    if (unit.starts_badly) {
      unit.active = "failed";
      unit.result = "start-limit-hit";
      return;
    }
    unit.active = "active";
    unit.result = "success";
    unit.main_pid = 100 + starts_;
    sim_.host.disk.write("/proc/" + std::to_string(unit.main_pid) + "/stat",
                         "1 (a) b) S 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 777 1");
    sim_.host.disk.write(cgroup_of(unit), std::to_string(unit.main_pid) + "\n");
  }
  void end(FakeUnit& unit, const std::string& active) {
    if (unit.main_pid != 0) {
      sim_.host.disk.erase("/proc/" + std::to_string(unit.main_pid) + "/stat");
      sim_.host.disk.erase(cgroup_of(unit));
    }
    unit.main_pid = 0;
    unit.active = active;
  }

  base::Result<world::Output> act(const std::string& verb, const std::vector<std::string>& names) {
    if (verb == ignored_verb)
      return world::Output{};
    if (verb == "daemon-reload")
      reload();
    for (const std::string& name : names) {
      FakeUnit& unit = units.at(name);
      if (verb == "start" && !start_by_others(name))
        return world::Output{1, "", "Assertion failed on job for " + name};
      if (verb == "stop" && !unit.ignores_stop)
        end(unit, "inactive");
      if (verb == "kill" && !unit.survives_kill)
        end(unit, "failed");
    }
    return world::Output{};
  }

  base::Result<world::Output> show(const std::string& name, const std::string& what) {
    if (sim_.host.read_fails())
      return base::Error{base::ErrorKind::unavailable, "injected", ""};
    const auto found = units.find(name);
    if (found == units.end())
      return world::Output{0, "LoadState=not-found\nActiveState=inactive\n", ""};
    const FakeUnit& unit = found->second;
    if (what == "--property=ExecStart")
      return world::Output{0,
                           "ExecStart={ path=" + unit.program + " ; argv[]=" + unit.program +
                               " ; ignore_errors=no ; pid=0 }\n",
                           ""};
    if (what == "--property=WorkingDirectory,Environment")
      return world::Output{0, "WorkingDirectory=\nEnvironment=" + unit.environment + "\n", ""};
    const std::string folder = "/units/" + name + ".d/zz-belay-";
    std::string text = "Id=" + name + "\nLoadState=" + unit.load + "\nActiveState=" + unit.active +
                       "\nSubState=" + (unit.main_pid != 0 ? "running" : "dead") +
                       "\nType=" + unit.type + "\nResult=" + unit.result +
                       "\nInvocationID=" + unit.invocation +
                       "\nMainPID=" + std::to_string(unit.main_pid) +
                       "\nNRestarts=" + std::to_string(unit.restarts) +
                       "\nTriggeredBy=" + base::join(unit.triggers, " ") +
                       "\nRestart=" + (unit.has_hold ? "no" : unit.restart) +
                       "\nDropInPaths=" + unit.other_drop_ins + " " +
                       (unit.has_release ? folder + "release.conf " : "") +
                       (unit.has_hold ? folder + "hold.conf" : "") +
                       "\nControlGroup=" + (unit.main_pid != 0 ? "/" + name : "") +
                       "\nNeedDaemonReload=no\nMainPID=1\n";
    return world::Output{0, text, ""};
  }

  sim::SimWorld& sim_;
  int starts_ = 0;
};

} // namespace drivers::systemd
