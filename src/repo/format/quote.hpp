#pragma once
// Quote: a file name as restic writes it in a tree: Go's strconv.Quote without the outer quotes.

#include "base/result.hpp"

#include <string>
#include <string_view>

namespace repo::format {

// Any bytes. What is no printable UTF-8 becomes an escape of Go's.
std::string quote_name(std::string_view name);
// Takes Go's whole set of escapes. corrupt.
base::Result<std::string> unquote_name(std::string_view quoted);

} // namespace repo::format
