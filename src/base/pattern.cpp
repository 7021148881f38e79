#include "base/pattern.hpp"

#include <re2/re2.h>

namespace base {

Result<Pattern> Pattern::compile(const std::string& text) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(8 << 20);
  auto compiled = std::make_shared<const re2::RE2>(text, options);
  if (!compiled->ok())
    return Error{ErrorKind::invalid_input, "'" + text + "' is no pattern: " + compiled->error(),
                 "The syntax is RE2's: no look-around, no back-references."};
  return Pattern{std::move(compiled)};
}

bool Pattern::is_found_in(std::string_view text) const {
  return re2::RE2::PartialMatch(re2::StringPiece{text.data(), text.size()}, *compiled_);
}

bool Pattern::is_all_of(std::string_view text) const {
  return re2::RE2::FullMatch(re2::StringPiece{text.data(), text.size()}, *compiled_);
}

} // namespace base
