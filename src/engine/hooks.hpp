#pragma once
// Hooks: the user's own commands at the points of an operation. What each point promises:
// docs/guide/hooks.md.

#include "engine/context.hpp"

namespace engine {

inline constexpr int exit_not_now = 75; // EX_TEMPFAIL of sysexits.h

std::string_view name_of(domain::HookPoint point); // "pre_check"

// The environment of every command of the user's.
world::Environment command_environment(const Context& context);

// Run one command to its end. failed: it ended with another status than 0, or did not end in time;
// not_now: it ended with status 75.
base::Result<> run_command(Context& context, const domain::CommandSpec& command,
                           world::Environment more, Record& out);

// Each hook of this point in order, up to the first that fails. May run again after a crash.
base::Result<> run_hooks(Context& context, domain::HookPoint point, Record& out);

// The same for the points of a way back, which a command of the user's never stops: a failure is
// a line in the record.
void run_hooks_of_way_back(Context& context, domain::HookPoint point, Record& out);

} // namespace engine
