#pragma once
// Report: why it went as it went, for people and for machines. Pure.

#include "engine/engine.hpp"

#include <string>

namespace app {

std::string report_text(const engine::OperationView& view);
std::string report_markdown(const engine::OperationView& view);
std::string report_json(const engine::OperationView& view); // one line

// "rolled_back", "in progress at 'watch'", ...
std::string outcome_words(const engine::OperationView& view);

} // namespace app
