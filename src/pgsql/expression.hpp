#pragma once
// Expression: what can be said of an expression without running it. Pure.

#include "pgsql/tree.hpp"

#include <string>

namespace pgsql {

// No function but those that are known to change nothing.
bool calls_known_only(const Json& node);
// And no statement that writes inside.
bool is_harmless(const Json& node);
// It cannot fail for any row: no division, no cast, no function but a few.
bool is_total(const Json& node);
bool is_null(const Json& expression);
// A condition on this column alone, that NULL satisfies: comparisons with constants.
bool passes_null(const Json& expression, const std::string& column);
// The condition is `column IN (...)` and the constant is one of the list.
bool is_listed(const Json& condition, const std::string& column, const Json& constant);
// It takes numbers from a sequence.
bool takes_numbers(const Json& expression);

} // namespace pgsql
