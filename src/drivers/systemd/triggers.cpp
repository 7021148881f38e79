#include "drivers/systemd/triggers.hpp"

#include "base/text.hpp"

namespace drivers::systemd {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr world::Milliseconds trigger_timeout{30'000};

} // namespace

Result<> or_unknown(Result<> done) {
  return !done && done.error().kind == ErrorKind::unknown_outcome ? ok() : std::move(done);
}

Result<std::string> text_or_empty(world::Files& files, const std::string& path) {
  auto text = files.read(path, 1U << 20U);
  if (!text && text.error().kind == ErrorKind::not_found)
    return std::string{};
  return text;
}

Result<> write_drop_in(world::Files& files, const std::string& path, const std::string& text) {
  const std::string folder = base::parent_of(path);
  if (!TRY(files.info(folder))) {
    TRY(files.create_folders(folder));
    auto info = TRY(files.info(folder));
    if (info) {
      info->mode = 0755;
      TRY(files.set_owner_and_mode(folder, *info));
    }
  }
  return files.replace(path, text, 0644);
}

Result<> stop_triggers(world::World world, const std::vector<std::string>& triggers) {
  if (triggers.empty())
    return ok();
  Manager manager{world};
  TRY(or_unknown(manager.ask_stop(triggers)));
  const auto deadline = world.clock.monotonic() + trigger_timeout;
  for (const std::string& name : triggers) {
    for (Unit unit = TRY(manager.show(name)); unit.is_up() || unit.has_job;
         unit = TRY(manager.show(name))) {
      if (world.clock.monotonic() >= deadline)
        return Error{ErrorKind::failed, "unit '" + name + "' does not stop", ""};
      world.clock.sleep_for(world::Milliseconds{100});
    }
  }
  return ok();
}

Result<> start_trigger(world::World world, const std::string& name) {
  Manager manager{world};
  const auto deadline = world.clock.monotonic() + trigger_timeout;
  Unit unit = TRY(manager.show(name));
  if (unit.is_up() || !unit.is_loaded()) // or somebody has removed it meanwhile
    return ok();
  (void)manager.reset_failed(name); // it may have none, which is an error
  TRY(or_unknown(manager.ask_start({name})));
  while (!(unit = TRY(manager.show(name))).is_up() || unit.has_job) {
    if (world.clock.monotonic() >= deadline || (!unit.is_up() && !unit.has_job))
      return Error{ErrorKind::failed,
                   "unit '" + name + "', which was stopped for the operation, does not start",
                   "Start it: systemctl start " + name + "."};
    world.clock.sleep_for(world::Milliseconds{100});
  }
  return ok();
}

} // namespace drivers::systemd
