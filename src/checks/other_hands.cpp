// Other hands: cron, timers, watchdogs and updaters that would reach into an operation.
#include "base/text.hpp"
#include "checks/crontab.hpp"
#include "checks/hands.hpp"
#include "checks/look.hpp"
#include "checks/neighbour_files.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

namespace checks {

namespace {

constexpr const char* hands = "other-hands";
constexpr std::size_t hand_bytes_max = 256U << 10U;
constexpr std::size_t names_max = 2000;

int port_in(const domain::ProbeSpec& probe) {
  if (probe.port != 0)
    return probe.port;
  const auto scheme = probe.url.find("://");
  const auto colon = scheme == std::string::npos ? scheme : probe.url.find(':', scheme + 3);
  int port = 0;
  if (colon != std::string::npos)
    std::from_chars(probe.url.data() + colon + 1, probe.url.data() + probe.url.size(), port);
  return port;
}

Marks marks_of(const domain::Stack& stack) {
  Marks marks;
  marks.folders.push_back(stack.project_folder);
  marks.names.push_back(stack.name);
  for (const domain::StoreSpec& store : stack.stores)
    if (!store.path.empty() && !base::is_inside(store.path, stack.project_folder))
      marks.folders.push_back(store.path);
  for (const domain::ServiceSpec& service : stack.services) {
    marks.names.push_back(service.name);
    if (!service.unit.empty()) {
      marks.names.push_back(service.unit);
      marks.names.push_back(service.unit.substr(0, service.unit.rfind('.')));
    }
    if (const int port = port_in(service.ready.probe); port != 0)
      marks.ports.push_back(port);
  }
  std::erase_if(marks.folders, [](const std::string& folder) { return folder.size() < 3; });
  return marks;
}

class Hands {
public:
  explicit Hands(const Look& look) : look_{look}, marks_{marks_of(look.stack)} {}

  // A command that somebody else runs. `where` names it, `answer` says how it is kept away.
  void add(const std::string& where, const std::string& command, const std::string& answer) {
    if (is_belays(command))
      return;
    std::string text = command;
    for (const std::string& path : files_in_command(command))
      if (const auto script = read_script(path))
        text += "\n" + *script;
    tell(where, touch_of(text, marks_), answer);
  }

  void add_file(const std::string& path, const std::string& what, const std::string& answer) {
    if (const auto text = look_.world.files.read(path, hand_bytes_max))
      tell(what + " '" + path + "'", touch_of(text.value(), marks_), answer);
  }

  void add_crontab(const std::string& path, bool has_user) {
    const auto text = look_.world.files.read(path, hand_bytes_max);
    if (!text)
      return;
    for (const CronLine& line : parse_crontab(text.value(), has_user))
      if (!is_line_held(path, line))
        add("cron line " + std::to_string(line.number) + " of '" + path + "'", line.command,
            path.starts_with("/etc/cron.d/")
                ? "let belay hold its file with `preflight.hold`, or comment it out meanwhile"
                : "let belay hold it with `preflight.hold_lines`");
  }

  bool found() const { return found_; }
  std::vector<std::string> names_in(const std::string& folder) const {
    auto names = look_.world.files.list(folder);
    if (!names || names.value().size() > names_max)
      return {};
    return std::move(names).value();
  }

private:
  bool is_line_held(const std::string& path, const CronLine& line) const {
    return std::ranges::any_of(look_.stack.preflight.hold_lines,
                               [&](const domain::HoldLineSpec& held) {
                                 return held.crontab == path && line.text.contains(held.with);
                               });
  }

  // A script is text; what is a program is not looked into.
  std::optional<std::string> read_script(const std::string& path) {
    if (path.starts_with("/dev/") || path.starts_with("/proc/") || path.starts_with("/sys/"))
      return std::nullopt;
    const auto real = look_.world.files.resolve(path);
    auto text = real ? look_.world.files.read(real.value(), hand_bytes_max) : real.error();
    if (!text || text.value().contains('\0'))
      return std::nullopt;
    return std::move(text).value();
  }

  void tell(const std::string& where, const Touch& touch, const std::string& answer) {
    if (touch.by.empty() || !told_.insert(where).second)
      return;
    found_ = true;
    if (touch.word.empty())
      look_.warn(hands, where + " has to do with this stack (" + touch.by +
                            "): see that it does not run during the upgrade");
    else
      look_.block(hands, where + " has to do with this stack (" + touch.by + ") and calls '" +
                             touch.word + "', which would reach into the upgrade: " + answer);
  }

  const Look& look_;
  Marks marks_;
  std::set<std::string> told_;
  bool found_ = false;
};

constexpr std::string_view held_end = ".belay-held";

bool is_held(const Look& look, const std::string& path) {
  return std::ranges::find(look.stack.preflight.hold, path) != look.stack.preflight.hold.end();
}

void look_at_held(const Look& look) {
  for (const std::string& path : look.stack.preflight.hold) {
    const std::string held = path + std::string{held_end};
    const bool is_there = look.exists(path);
    const bool has_held = look.exists(held);
    if (is_there && has_held)
      look.block(hands, "'" + path + "' and '" + held +
                            "' are both there: keep the right one under the first name, and "
                            "remove the other");
    else if (!is_there)
      look.block(hands, "'" + path + "' cannot be held, for it is not there: " +
                            (has_held ? "an operation has left it as '" + held + "'; rename it back"
                                      : "correct `preflight.hold`"));
    else
      look.ok(hands, "'" + path + "' is held during the upgrade");
  }
}

// Also one that an operation has left held, and one that is held for another stack.
void look_at_held_line(const Look& look, const domain::HoldLineSpec& wanted) {
  const std::string where = "'" + wanted.crontab + "'";
  const auto text = look.world.files.read(wanted.crontab, hand_bytes_max);
  if (!text)
    return look.block(hands, "no line of " + where + " can be held: " + text.error().message);
  bool is_there = false;
  for (const HeldLine& held : held_lines(text.value())) {
    if (!held.text.contains(wanted.with))
      continue;
    is_there = true;
    look.block(hands, "line " + std::to_string(held.number) + " of " + where +
                          " is held by operation " + held.holder.operation + " of stack '" +
                          held.holder.stack +
                          "': wait for its end; when it has ended, take away "
                          "what stands before the line");
  }
  for (const CronLine& line : parse_crontab(text.value(), false)) {
    if (!line.text.contains(wanted.with))
      continue;
    is_there = true;
    look.ok(hands, "cron line " + std::to_string(line.number) + " of " + where +
                       " is held during the upgrade");
  }
  if (!is_there)
    look.block(hands, "no cron line of " + where + " has '" + wanted.with +
                          "' in it: correct `preflight.hold_lines`");
}

void look_at_cron(const Look& look, Hands& all) {
  all.add_crontab("/etc/crontab", true);
  for (const std::string& name : all.names_in("/etc/cron.d"))
    if (!name.contains('.') && !is_held(look, "/etc/cron.d/" + name)) // as cron does
      all.add_crontab("/etc/cron.d/" + name, true);
  for (const char* folder : {"/var/spool/cron/crontabs", "/var/spool/cron"})
    for (const std::string& name : all.names_in(folder))
      all.add_crontab(std::string{folder} + "/" + name, false);
  for (const char* when : {"hourly", "daily", "weekly", "monthly"}) {
    const std::string folder = std::string{"/etc/cron."} + when;
    for (const std::string& name : all.names_in(folder))
      if (!name.contains('.') && !is_held(look, folder + "/" + name)) // as run-parts does
        all.add_file(folder + "/" + name, "the script", "let belay hold it with `preflight.hold`");
  }
}

constexpr std::array unit_folders{"/etc/systemd/system", "/run/systemd/system",
                                  "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
                                  "/lib/systemd/system"};

constexpr const char* own_units = unit_folders[0];

void look_at_held_units(const Look& look) {
  const std::vector<std::string>& units = look.stack.preflight.hold_units;
  if (!units.empty() && !look.exists("/run/systemd/system"))
    return look.block(hands, "'" + units.front() +
                                 "' cannot be held, for systemd does not run this machine: "
                                 "correct `preflight.hold_units`");
  for (const std::string& unit : units) {
    const std::string drop_in = std::string{own_units} + "/" + unit + ".d/zz-belay-hold.conf";
    const bool is_known = std::ranges::any_of(unit_folders, [&](const char* folder) {
      return look.exists(std::string{folder} + "/" + unit);
    });
    if (look.exists(drop_in))
      look.block(hands, "unit '" + unit + "' is held already, by '" + drop_in +
                            "': wait for the end of that operation; when it has ended, remove the "
                            "file and run 'systemctl daemon-reload'");
    else if (!is_known)
      look.block(hands, "unit '" + unit +
                            "' cannot be held, for there is no such unit file: "
                            "correct `preflight.hold_units`");
    else
      look.ok(hands, "unit '" + unit + "' is held during the upgrade, when it is active");
  }
}

std::string unit_text(const Look& look, const std::string& unit) {
  for (const char* folder : unit_folders)
    if (const auto text = look.world.files.read(std::string{folder} + "/" + unit, hand_bytes_max))
      return text.value();
  return "";
}

// Units of timers and paths are enabled by a link in some `*.wants`.
std::set<std::string> enabled_triggers(const Hands& all) {
  std::set<std::string> enabled;
  for (const char* folder : unit_folders)
    for (const std::string& name : all.names_in(folder))
      if (name.ends_with(".wants"))
        for (const std::string& unit : all.names_in(std::string{folder} + "/" + name))
          if (unit.ends_with(".timer") || unit.ends_with(".path"))
            enabled.insert(unit);
  return enabled;
}

void look_at_timers(const Look& look, Hands& all) {
  const auto is_running = look.world.files.info("/run/systemd/system");
  if (!is_running || !is_running.value())
    return;
  for (const std::string& trigger : enabled_triggers(all)) {
    std::string unit = parse_unit_file(unit_text(look, trigger)).unit;
    if (unit.empty())
      unit = trigger.substr(0, trigger.rfind('.')) + ".service";
    const bool is_ours =
        std::ranges::any_of(look.stack.services, [&](const domain::ServiceSpec& service) {
          return service.unit == unit;
        });
    if (is_ours) // the runtime holds what wakes its units
      continue;
    if (std::ranges::find(look.stack.preflight.hold_units, trigger) !=
        look.stack.preflight.hold_units.end())
      continue;
    for (const std::string& command : parse_unit_file(unit_text(look, unit)).commands)
      all.add("unit '" + unit + "', woken by '" + trigger + "',", command,
              "let belay hold it with `preflight.hold_units: [" + trigger + "]`");
  }
}

void look_at_watchdogs(Hands& all) {
  const std::string answer = "take the stack out of it for the time of the upgrade";
  all.add_file("/etc/monit/monitrc", "monit's", answer);
  all.add_file("/etc/rc.local", "the script", answer);
  for (const char* folder : {"/etc/monit/conf.d", "/etc/monit/conf-enabled", "/etc/monit.d"})
    for (const std::string& name : all.names_in(folder))
      all.add_file(std::string{folder} + "/" + name, "monit's", answer);
  for (const std::string& name : all.names_in("/etc/supervisor/conf.d"))
    all.add_file("/etc/supervisor/conf.d/" + name, "supervisor's", answer);
}

// The runtimes tell of it.
bool is_held_container(const Look& look, const ComposeService& service) {
  const std::string& project = look.stack.compose.project;
  return std::ranges::any_of(look.stack.preflight.hold_containers, [&](const std::string& held) {
    return held == service.container || held == project + "-" + service.name + "-1" ||
           held == project + "_" + service.name + "_1";
  });
}

void look_at_updaters(const Look& look, bool& found) {
  for (const ComposeFile& file : neighbour_files(look).compose)
    for (const ComposeService& service : file.services) {
      if (!is_auto_updater(service.image) && !service.has_docker)
        continue;
      if (is_held_container(look, service))
        continue;
      found = true;
      const std::string who = "service '" + service.name + "' of '" + file.path + "' ";
      if (is_auto_updater(service.image) && service.has_docker)
        look.block(hands, who + "replaces or restarts containers by itself (" + service.image +
                              "): let belay hold it with `preflight.hold_containers`, or leave the "
                              "stack's containers out of it by their labels");
      else
        look.warn(hands, who + "may start and stop any container" +
                             (service.has_docker ? " (it mounts Docker's socket)" : "") +
                             ": see that it leaves the stack alone meanwhile");
    }
}

} // namespace

void look_at_other_hands(const Look& look) {
  Hands all{look};
  look_at_held(look);
  for (const domain::HoldLineSpec& line : look.stack.preflight.hold_lines)
    look_at_held_line(look, line);
  look_at_held_units(look);
  look_at_cron(look, all);
  look_at_timers(look, all);
  look_at_watchdogs(all);
  bool found = all.found();
  look_at_updaters(look, found);
  if (!found)
    look.ok(hands, "no cron line, timer, watchdog or updater that has to do with this stack");
}

} // namespace checks
