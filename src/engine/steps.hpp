#pragma once
// Steps: what each state of the table does. A step is idempotent: it looks before it acts.

#include "engine/context.hpp"

namespace engine {

// Fills `out` (text, detail, gates, facts), also on failure. interrupted: nothing was decided.
base::Result<> perform(Context& context, State state, Record& out);

// Remove what an operation that touched nothing has left behind (copies of its point). Idempotent.
base::Result<> clean_up_untouched(Context& context);

// Let go of points and abandoned sets beyond the retention. Never the newest ones.
base::Result<> apply_retention(Context& context, Record& out);

// Bring back config files that differ from `wanted`, exactly; returns the paths it wrote.
base::Result<std::vector<std::string>>
restore_config_files(world::Files& files, const std::vector<state::ConfigFile>& wanted);

// Start what should run in this state after the machine was restarted under us.
base::Result<> revive(Context& context);

// --- shared by the forward steps and the way back ---
base::Result<> stop_all(Context& context, Record& out); // and hold what could wake them
base::Result<> let_go_all(Context& context);            // the end of every hold
// What died while it kept the users of a store out keeps them out no longer.
base::Result<> let_in_all(Context& context);
base::Result<> start_all(Context& context, const std::vector<domain::Release>& releases,
                         Record& out);
base::Result<> ready_all(Context& context, Record& out);
base::Result<> smoke_all(Context& context, bool only_good_before, Record& out);
base::Result<> do_watch(Context& context, Record& out);
base::Result<> perform_back(Context& context, State state, Record& out);
base::Result<> perform_forward(Context& context, State state, Record& out);

} // namespace engine
