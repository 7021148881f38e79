#pragma once
// Manager: what we ask of systemd's systemctl and journalctl. Only machine-readable properties are
// read; what a command says about its own end is never believed, but looked at with `show`.

#include "base/result.hpp"
#include "world/world.hpp"

#include <string>
#include <vector>

namespace drivers::systemd {

// One unit, as `systemctl show` tells it. What it does not tell stays empty.
struct Unit {
  std::string name;
  std::string load;   // loaded, not-found, masked, bad-setting, error
  std::string active; // active, reloading, inactive, failed, activating, deactivating
  std::string sub;    // running, auto-restart, exited ...
  std::string type;   // simple, exec, notify, forking, oneshot ...
  std::string result; // success, exit-code, signal, start-limit-hit, timeout ...
  std::string restart;
  std::string invocation; // of this start, or of the last one
  std::string cgroup;     // path below systemd's own; empty when there is none
  std::string drop_ins;   // paths
  std::vector<std::string> triggered_by;
  int main_pid = 0;    // 0: no main process
  int exit_status = 0; // of the last main process
  int restarts = 0;    // by systemd itself, since the last start by anybody else
  bool has_job = false;
  bool needs_reload = false;
  bool condition_ok = true;
  bool assert_ok = true;

  // It holds, or is about to get or to lose, processes.
  bool is_up() const { return active != "inactive" && active != "failed"; }
  bool is_loaded() const { return load == "loaded"; }
};

// What it runs, as it is loaded; the words of a command are joined by blanks.
struct Definition {
  std::string program; // of the first ExecStart=
  std::string command; // the whole of it
  std::string working_folder;
  std::string environment; // assignments, quoted where they need it
};

class Manager {
public:
  explicit Manager(world::World world) : world_{world} {}

  // A unit that does not exist is a value (`load`); not_found when there is no systemctl,
  // unavailable when systemd does not answer.
  base::Result<Unit> show(const std::string& unit);
  base::Result<Definition> definition(const std::string& unit);
  // Reads every unit file again. Idempotent; harmless to what runs.
  base::Result<> reload();
  // These only ask: what became of it is for `show`. `failed` when systemd refuses.
  base::Result<> ask_start(const std::vector<std::string>& units);
  base::Result<> ask_stop(const std::vector<std::string>& units);
  base::Result<> kill_all(const std::string& unit);
  base::Result<> reset_failed(const std::string& unit);
  // What this start said, and systemd of it: at most the last so many lines, and bytes.
  base::Result<std::string> log(const std::string& invocation, int lines, std::size_t bytes_max);
  // Living processes in a unit's cgroup; none when there is no such cgroup.
  base::Result<std::vector<int>> processes_in(const std::string& cgroup);
  base::Result<world::ProcessId> identify(int pid);

private:
  base::Result<std::string> run(std::vector<std::string> argv,
                                std::size_t bytes_max = std::size_t{1} << 20U);
  world::World world_;
};

} // namespace drivers::systemd
