#include "drivers/systemd/manager.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

namespace drivers::systemd {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr world::Milliseconds command_timeout{60'000};

constexpr std::string_view wanted =
    "Id,LoadState,ActiveState,SubState,Type,Result,Restart,InvocationID,ControlGroup,DropInPaths,"
    "TriggeredBy,MainPID,ExecMainStatus,NRestarts,Job,NeedDaemonReload,ConditionResult,"
    "AssertResult";

using Properties = std::map<std::string, std::string, std::less<>>;

// "Key=value" lines. The first of a key counts: what follows may be lines of a value.
Properties parsed(std::string_view text) {
  Properties all;
  for (const std::string& line : base::split(text, '\n'))
    if (const auto equals = line.find('='); equals != std::string::npos)
      all.emplace(line.substr(0, equals), line.substr(equals + 1));
  return all;
}

std::string text_of(const Properties& all, std::string_view key) {
  const auto found = all.find(key);
  return found == all.end() ? "" : found->second;
}

int number_of(const Properties& all, std::string_view key) {
  const std::string text = text_of(all, key);
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string said(const world::Output& output) {
  std::string text = base::printable(output.err.empty() ? output.out : output.err);
  while (text.ends_with('\n'))
    text.pop_back();
  std::ranges::replace(text, '\n', ' ');
  return text.size() > 400 ? text.substr(0, 400) + "..." : text;
}

Error no_systemd(Error error) {
  if (error.kind == ErrorKind::not_found)
    error.hint = "A service with `unit:` needs systemd; without it, give `run:`.";
  return error;
}

} // namespace

Result<std::string> Manager::run(std::vector<std::string> argv, std::size_t bytes_max) {
  world::Command command;
  command.argv = std::move(argv);
  command.environment = {{"LC_ALL", "C"}, {"SYSTEMD_COLORS", "0"}, {"SYSTEMD_PAGER", ""}};
  command.timeout = command_timeout;
  command.output_bytes_max = bytes_max;
  auto output = world_.processes.run(command);
  if (!output)
    return no_systemd(std::move(output).error());
  if (output.value().exit_code != 0)
    return Error{ErrorKind::failed,
                 "'" + base::join(command.argv, " ") + "' ended with exit status " +
                     std::to_string(output.value().exit_code) + ": " + said(output.value()),
                 "Run it by hand to see what is wrong; systemd must run this machine, and belay "
                 "must be allowed to manage its units (as root)."};
  return std::move(output).value().out;
}

Result<Unit> Manager::show(const std::string& unit) {
  const auto all = parsed(TRY(
      run({"systemctl", "--no-pager", "show", "--property=" + std::string{wanted}, "--", unit})));
  Unit shown;
  shown.name = unit;
  shown.load = text_of(all, "LoadState");
  shown.active = text_of(all, "ActiveState");
  if (shown.load.empty() || shown.active.empty())
    return Error{ErrorKind::unavailable, "systemd does not tell the state of unit '" + unit + "'",
                 "Run 'systemctl show " + unit + "' to see what it answers."};
  shown.sub = text_of(all, "SubState");
  shown.type = text_of(all, "Type");
  shown.result = text_of(all, "Result");
  shown.restart = text_of(all, "Restart");
  shown.invocation = text_of(all, "InvocationID");
  shown.cgroup = text_of(all, "ControlGroup");
  shown.drop_ins = text_of(all, "DropInPaths");
  for (std::string& name : base::split(text_of(all, "TriggeredBy"), ' '))
    if (!name.empty())
      shown.triggered_by.push_back(std::move(name));
  shown.main_pid = number_of(all, "MainPID");
  shown.exit_status = number_of(all, "ExecMainStatus");
  shown.restarts = number_of(all, "NRestarts");
  shown.has_job = number_of(all, "Job") != 0;
  shown.needs_reload = text_of(all, "NeedDaemonReload") == "yes";
  shown.condition_ok = text_of(all, "ConditionResult") != "no";
  shown.assert_ok = text_of(all, "AssertResult") != "no";
  return shown;
}

// ExecStart={ path=/srv/bin/web ; argv[]=/srv/bin/web --port 80 ; ignore_errors=no ; ... }
Result<Definition> Manager::definition(const std::string& unit) {
  const std::string text =
      TRY(run({"systemctl", "--no-pager", "show", "--property=ExecStart", "--", unit}));
  Definition found;
  constexpr std::string_view path = "{ path=";
  constexpr std::string_view words = " ; argv[]=";
  const auto begin = text.find(path);
  const auto middle = text.find(words, begin);
  const auto end = text.find(" ; ignore_errors=", middle);
  if (begin != std::string::npos && middle != std::string::npos && end != std::string::npos) {
    found.program = text.substr(begin + path.size(), middle - begin - path.size());
    found.command = text.substr(middle + words.size(), end - middle - words.size());
  }
  const auto all = parsed(TRY(run(
      {"systemctl", "--no-pager", "show", "--property=WorkingDirectory,Environment", "--", unit})));
  found.working_folder = text_of(all, "WorkingDirectory");
  found.environment = text_of(all, "Environment");
  return found;
}

Result<> Manager::reload() {
  TRY(run({"systemctl", "--no-ask-password", "daemon-reload"}));
  return ok();
}

Result<> Manager::ask_start(const std::vector<std::string>& units) {
  std::vector<std::string> argv{"systemctl", "--no-ask-password", "--no-block", "start", "--"};
  argv.insert(argv.end(), units.begin(), units.end());
  TRY(run(std::move(argv)));
  return ok();
}

Result<> Manager::ask_stop(const std::vector<std::string>& units) {
  std::vector<std::string> argv{"systemctl", "--no-ask-password", "--no-block", "stop", "--"};
  argv.insert(argv.end(), units.begin(), units.end());
  TRY(run(std::move(argv)));
  return ok();
}

Result<> Manager::kill_all(const std::string& unit) {
  TRY(run(
      {"systemctl", "--no-ask-password", "--kill-who=all", "--signal=KILL", "kill", "--", unit}));
  return ok();
}

Result<> Manager::reset_failed(const std::string& unit) {
  TRY(run({"systemctl", "--no-ask-password", "reset-failed", "--", unit}));
  return ok();
}

Result<std::string> Manager::log(const std::string& invocation, int lines, std::size_t bytes_max) {
  return run({"journalctl", "--no-pager", "--quiet", "--output=cat",
              "--lines=" + std::to_string(lines), "_SYSTEMD_INVOCATION_ID=" + invocation, "+",
              "INVOCATION_ID=" + invocation},
             bytes_max);
}

Result<std::vector<int>> Manager::processes_in(const std::string& cgroup) {
  std::vector<int> pids;
  if (cgroup.empty())
    return pids;
  // Where systemd keeps its own tree: version 2, both versions, version 1.
  for (const char* root : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"}) {
    auto text = world_.files.read(root + cgroup + "/cgroup.procs", 1U << 20U);
    if (!text && text.error().kind == ErrorKind::not_found)
      continue;
    for (const std::string& line : base::split(TRY(std::move(text)), '\n')) {
      int pid = 0;
      std::from_chars(line.data(), line.data() + line.size(), pid);
      if (pid > 0)
        pids.push_back(pid);
    }
    if (!pids.empty())
      break;
  }
  return pids;
}

// Field 22 of /proc/PID/stat; the name in field 2 may hold blanks and brackets.
Result<world::ProcessId> Manager::identify(int pid) {
  const std::string text =
      TRY(world_.files.read("/proc/" + std::to_string(pid) + "/stat", 1U << 16U));
  const auto fields = base::split(text.substr(text.rfind(')') + 1), ' ');
  world::ProcessId id;
  id.pid = pid;
  if (fields.size() > 20)
    std::from_chars(fields[20].data(), fields[20].data() + fields[20].size(), id.start_ticks);
  id.boot_id = TRY(world_.processes.self()).boot_id;
  return id;
}

} // namespace drivers::systemd
