// Runtime, the part that keeps other hands away: systemd's own restarts, timers, paths, sockets,
// units that want this one, people and their cron lines.
#include "base/text.hpp"
#include "drivers/systemd/runtime.hpp"
#include "drivers/systemd/triggers.hpp"

#include <algorithm>

namespace drivers::systemd {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

Result<std::vector<std::string>> Runtime::active_triggers(const Unit& unit) {
  std::vector<std::string> active;
  for (const std::string& name : unit.triggered_by)
    if (TRY(manager_.show(name)).is_up())
      active.push_back(name);
  return active;
}

Result<> Runtime::check_held(const Service& service) {
  const Unit unit = TRY(manager_.show(service.unit));
  const std::string path = drop_in(service, "hold");
  if (unit.drop_ins.contains(path) && !unit.needs_reload && unit.restart == "no")
    return ok();
  return Error{ErrorKind::conflict,
               "unit '" + service.unit + "' cannot be held: '" + path + "' says Restart=no, but " +
                   (unit.drop_ins.contains(path) ? "Restart=" + unit.restart + " is in force"
                                                 : "systemd has not read it"),
               "Another drop-in that sorts after it sets Restart= too: see 'systemctl cat " +
                   service.unit + "'."};
}

// What an earlier try has found and stopped already stays in the record.
Result<Held> Runtime::held_now(const Service& service, const Unit& unit) {
  Held held = TRY(read_held(service));
  if (!TRY(world_.files.info(own_file(service, "held"))) && unit.is_up() &&
      TRY(folder_of(service, unit)).empty()) {
    held.is_foreign = true;
    if (auto link = world_.files.read_link(service.releases_folder + "/current"))
      held.link = link.value();
  }
  for (const std::string& name : TRY(active_triggers(unit)))
    if (std::ranges::find(held.triggers, name) == held.triggers.end())
      held.triggers.push_back(name);
  return held;
}

// The record comes first: what was stopped is started again, whenever we die.
Result<> Runtime::hold(const Service& service) {
  const Unit unit = TRY(manager_.show(service.unit));
  if (!unit.is_loaded() && !unit.is_up())
    return ok(); // there is nothing that could be started
  const std::string record = own_file(service, "held");
  const Held held = TRY(held_now(service, unit));
  if (TRY(text_or_empty(world_.files, record)) != text_of(held)) {
    TRY(world_.files.create_folders(state_folder_ + "/run"));
    TRY(world_.files.replace(record, text_of(held)));
  }
  const std::string path = drop_in(service, "hold");
  const std::string text = hold_drop_in(stack_, own_file(service, "may-start"));
  const bool is_written = TRY(text_or_empty(world_.files, path)) == text;
  if (!is_written)
    TRY(write_drop_in(world_.files, path, text));
  if (!is_written || !check_held(service))
    TRY(or_unknown(manager_.reload()));
  TRY(check_held(service));
  return stop_triggers(world_, held.triggers);
}

// One that does not start is told, and keeps none of the others down.
Result<> Runtime::start_triggers(const Service& service, const std::vector<std::string>& triggers) {
  const auto is_socket = [](const std::string& name) { return name.ends_with(".socket"); };
  const bool is_up = TRY(manager_.show(service.unit)).is_up();
  // systemd opens no socket of a service that is up, and any other trigger may start it at once.
  std::vector<std::string> in_order = triggers;
  std::stable_partition(in_order.begin(), in_order.end(), is_socket);
  Result<> first = ok();
  for (const std::string& name : in_order) {
    if (is_up && is_socket(name)) // a boot has started it without this socket, which is not enabled
      continue;
    if (auto started = start_trigger(world_, name); !started && first)
      first = std::move(started);
  }
  return first;
}

// What ran before belay's first release, and was stopped for it in vain.
Result<> Runtime::give_back(const Service& service, const Held& held) {
  TRY(write_starts(service, {}));
  const std::string link = service.releases_folder + "/current";
  if (!service.run.empty())
    return world_.files.remove(drop_in(service, "release"));
  return held.link.empty() ? world_.files.remove(link) : world_.files.replace_link(link, held.link);
}

// The record goes last: until then, all of it is done again.
Result<> Runtime::let_go(const Service& service) {
  const std::string record = own_file(service, "held");
  const std::string path = drop_in(service, "hold");
  const std::string gate = own_file(service, "may-start");
  const bool has_drop_in = TRY(world_.files.info(path)).has_value();
  if (!has_drop_in && !TRY(world_.files.info(record)))
    return ok();
  const Held held = TRY(read_held(service));
  // Without the gate it was we who stopped it, and nothing of ours was started since.
  const bool is_given_back =
      held.is_foreign && !TRY(world_.files.info(gate)) && !TRY(manager_.show(service.unit)).is_up();
  if (is_given_back)
    TRY(give_back(service, held));
  TRY(world_.files.remove(path));
  TRY(or_unknown(manager_.reload()));
  if (TRY(manager_.show(service.unit)).drop_ins.contains(path))
    return Error{ErrorKind::failed,
                 "unit '" + service.unit + "' is still held: systemd has not read its files again",
                 "Run 'systemctl daemon-reload'."};
  TRY(start_triggers(service, held.triggers));
  if (is_given_back)
    TRY(start_unit(service));
  TRY(world_.files.remove(gate));
  return world_.files.remove(record);
}

} // namespace drivers::systemd
