#pragma once
// Beyond: which statements change, or reach, more than the database that they are run in, so that
// running them on a copy is not without consequence. By the grammar, and in code that only runs
// later by its words: those err towards yes. Pure.

#include "pgsql/tree.hpp"

#include <string_view>

namespace pgsql {

bool reaches_beyond(std::string_view kind, const Json& body, std::string_view sql);
// By words alone: what the grammar does not take.
bool tells_of_beyond(std::string_view sql);

} // namespace pgsql
