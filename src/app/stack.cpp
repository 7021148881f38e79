#include "app/stack.hpp"

namespace app {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

Result<> check_name(const config::Loaded& loaded, const std::string& stack) {
  if (stack.empty() || stack == loaded.stack.name)
    return ok();
  return Error{ErrorKind::invalid_input,
               "belay.yaml is of stack '" + loaded.stack.name + "', not of '" + stack + "'",
               "Use --config FILE to name another belay.yaml."};
}

Result<> discard_point(state::Folder& folder, const domain::Stack& stack, engine::Drivers drivers,
                       const std::string& id) {
  for (const domain::StoreSpec& spec : stack.stores)
    TRY_CONTEXT(drivers.of(spec.kind).discard(spec, id), "store '" + spec.name + "'");
  return folder.remove_point(id);
}

Result<std::unique_ptr<world::Lock>> hold_stack(state::Folder& folder, const domain::Stack& stack,
                                                engine::Drivers drivers,
                                                const std::string& purpose) {
  auto lock = TRY(folder.lock(purpose));
  if (const std::string other = TRY(folder.in_progress()); !other.empty())
    return Error{ErrorKind::conflict, "operation " + other + " is in progress",
                 "End it first: 'belay resume' goes on, 'belay abort' goes back."};
  for (const std::string& id : TRY(folder.unfinished_points()))
    TRY_CONTEXT(discard_point(folder, stack, drivers, id), "what was left of " + id);
  return lock;
}

} // namespace app
