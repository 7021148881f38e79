#pragma once
// Triggers: timers, paths and sockets that are stopped for an operation and started again, and the
// drop-ins by which units are held. What the runtime and HeldUnits have in common.

#include "drivers/systemd/manager.hpp"

#include <string>
#include <vector>

namespace drivers::systemd {

// A time-out is no answer: whoever asks looks afterwards.
base::Result<> or_unknown(base::Result<> done);

base::Result<std::string> text_or_empty(world::Files& files, const std::string& path);
// Everybody may read it and its folder, as systemd's own: 'systemctl cat' is for everybody. systemd
// reads it when it is told to reload.
base::Result<> write_drop_in(world::Files& files, const std::string& path, const std::string& text);

// Both wait for the end, and are idempotent. failed: it does not stop, or start.
base::Result<> stop_triggers(world::World world, const std::vector<std::string>& triggers);
base::Result<> start_trigger(world::World world, const std::string& name); // none: nothing to do

} // namespace drivers::systemd
