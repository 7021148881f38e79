#pragma once
// Words: how a command that is written as one text is split, without a shell.

#include "base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace base {

// "a 'b c' \"d\"" -> a, "b c", d. invalid_input: a quote does not end.
Result<std::vector<std::string>> words_of_command(std::string_view command);

} // namespace base
