#include "app/rehearse.hpp"

#include "app/stack.hpp"
#include "base/text.hpp"
#include "engine/migrating.hpp"

#include <algorithm>

namespace app {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

// A folder that comes with the release is where `prepare` puts it.
Result<> bring_files(const Host& host, const domain::Stack& stack, engine::Drivers drivers,
                     const std::string& to) {
  for (const domain::MigrationSpec& item : stack.upgrade.migrate) {
    const std::string folder = base::fill(item.folder, {{"to", to}});
    if (!item.is_folder() || TRY(host.world.files.info(folder)))
      continue;
    for (const domain::ServiceSpec& service : stack.services)
      if (!service.releases_folder.empty() && base::is_inside(folder, service.releases_folder))
        TRY_CONTEXT(drivers.runtime.prepare(service, to), "service '" + service.name + "'");
  }
  return ok();
}

} // namespace

Result<engine::Rehearsed> rehearse(const Host& host, const std::string& name,
                                   const std::string& to) {
  const config::Loaded loaded = TRY(load(host));
  TRY(check_name(loaded, name));
  const domain::Stack& stack = loaded.stack;
  if (std::ranges::none_of(stack.upgrade.migrate, &domain::MigrationSpec::is_folder))
    return Error{ErrorKind::invalid_input, "no folder of SQL files is configured",
                 "A command cannot be tried on a copy: belay does not know how it is told which "
                 "database to use."};
  const auto machinery = host.make(stack, {});
  const engine::Drivers drivers = machinery->drivers();
  auto folder = TRY(state::Folder::open(host.world, stack.state_folder));
  const auto lock = TRY(hold_stack(folder, stack, drivers, "rehearsal"));
  TRY(bring_files(host, stack, drivers, to));
  const auto outlook = engine::outlook_of(host.world.files, stack, drivers, to);
  if (!outlook.problems.empty())
    return Error{ErrorKind::failed, base::join(outlook.problems, "\n"), ""};
  const std::string point =
      "p-" + base::compact_time(host.world.clock.now()) + "-" + host.world.random.hex(4);
  TRY(folder.begin_point(point)); // so that whoever comes after our death removes the copies
  auto done = engine::rehearse_all(host.world, stack, drivers, to, point, true);
  TRY(discard_point(folder, stack, drivers, point));
  if (done && !done.value().record.stores.empty())
    TRY(state::write_rehearsal(host.world.files, folder.path(), done.value().record));
  return done;
}

} // namespace app
