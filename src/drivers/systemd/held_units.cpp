#include "drivers/systemd/held_units.hpp"

#include "base/text.hpp"
#include "drivers/systemd/triggers.hpp"

#include <algorithm>

namespace drivers::systemd {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

std::string HeldUnits::drop_in(const std::string& unit) const {
  return units_folder_ + "/" + unit + ".d/zz-belay-hold.conf";
}

// What an earlier try has found and stopped already stays in the record.
Result<Held> HeldUnits::held_now() {
  Held held = held_in(TRY(text_or_empty(world_.files, record_)));
  for (const std::string& name : units_) {
    const std::string text = TRY(text_or_empty(world_.files, drop_in(name)));
    if (!text.empty() && text != hold_trigger_drop_in(stack_))
      return Error{ErrorKind::conflict,
                   "unit '" + name + "' is held by the operation of another stack: see '" +
                       drop_in(name) + "'",
                   "Wait for its end, or end it with 'belay resume' there."};
    if (std::ranges::find(held.triggers, name) == held.triggers.end() &&
        TRY(manager_.show(name)).is_up())
      held.triggers.push_back(name);
  }
  return held;
}

Result<> HeldUnits::check_held(const std::vector<std::string>& units) {
  for (const std::string& name : units) {
    const Unit unit = TRY(manager_.show(name));
    if (unit.is_loaded() && (!unit.drop_ins.contains(drop_in(name)) || unit.needs_reload))
      return Error{ErrorKind::conflict,
                   "unit '" + name + "' cannot be held: systemd has not read '" + drop_in(name) +
                       "'",
                   "Run 'systemctl daemon-reload', and see 'systemctl cat " + name + "'."};
  }
  return ok();
}

// The record comes first: what was stopped is started again, whenever we die.
Result<> HeldUnits::hold() {
  if (units_.empty())
    return ok();
  const Held held = TRY(held_now());
  if (held.triggers.empty())
    return ok(); // nothing of it is active: there is nothing to keep away
  if (TRY(text_or_empty(world_.files, record_)) != text_of(held)) {
    TRY(world_.files.create_folders(base::parent_of(record_)));
    TRY(world_.files.replace(record_, text_of(held)));
  }
  bool is_written = false;
  for (const std::string& name : held.triggers)
    if (TRY(text_or_empty(world_.files, drop_in(name))).empty()) {
      TRY(write_drop_in(world_.files, drop_in(name), hold_trigger_drop_in(stack_)));
      is_written = true;
    }
  if (is_written || !check_held(held.triggers))
    TRY(or_unknown(manager_.reload()));
  TRY(check_held(held.triggers));
  std::vector<std::string> active;
  for (const std::string& name : held.triggers)
    if (TRY(manager_.show(name)).is_up())
      active.push_back(name);
  return stop_triggers(world_, active);
}

// False: systemd still knows one of them.
Result<bool> HeldUnits::remove_drop_ins(const std::vector<std::string>& units) {
  for (const std::string& name : units)
    if (TRY(text_or_empty(world_.files, drop_in(name))) == hold_trigger_drop_in(stack_))
      TRY(world_.files.remove(drop_in(name)));
  TRY(or_unknown(manager_.reload()));
  for (const std::string& name : units)
    if (TRY(manager_.show(name)).drop_ins.contains(drop_in(name)))
      return false;
  return true;
}

// The record goes last: until then, all of it is done again.
Result<> HeldUnits::let_go() {
  const std::vector<std::string> units =
      held_in(TRY(text_or_empty(world_.files, record_))).triggers;
  if (!units.empty()) {
    if (!TRY(remove_drop_ins(units)))
      return Error{ErrorKind::failed,
                   base::join(units, ", ") + " are still held: systemd has not read its files",
                   "Run 'systemctl daemon-reload'."};
    Result<> first = ok();
    for (const std::string& name : units)
      if (auto started = start_trigger(world_, name); !started && first)
        first = std::move(started);
    TRY(std::move(first));
  }
  if (TRY(world_.files.info(record_)))
    return world_.files.remove(record_);
  return ok();
}

} // namespace drivers::systemd
