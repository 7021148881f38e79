#pragma once
// Stack: what the use cases of one stack have in common; for the files of app.

#include "app/app.hpp"

#include <string>

namespace app {

// invalid_input: belay.yaml is of another stack. Empty: whichever it is of.
base::Result<> check_name(const config::Loaded& loaded, const std::string& stack);

// The lock of the stack, and nothing in progress: conflict tells what to do first. What a death
// left of a point that was being made goes.
base::Result<std::unique_ptr<world::Lock>> hold_stack(state::Folder& folder,
                                                      const domain::Stack& stack,
                                                      engine::Drivers drivers,
                                                      const std::string& purpose);
// Copies of a point that was begun and not written, then what says that it was begun. Idempotent.
base::Result<> discard_point(state::Folder& folder, const domain::Stack& stack,
                             engine::Drivers drivers, const std::string& id);

} // namespace app
