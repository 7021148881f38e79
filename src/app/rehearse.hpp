#pragma once
// Rehearse: the migrations of an upgrade on a copy of the data, asked for by a person.

#include "app/app.hpp"
#include "engine/rehearsing.hpp"

namespace app {

// Nothing is stopped. The release is prepared when its folder is where the files are. The stack is
// locked meanwhile. conflict: an operation is in progress. What it saw is kept for `belay plan`.
base::Result<engine::Rehearsed> rehearse(const Host& host, const std::string& stack,
                                         const std::string& to);

} // namespace app
