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

std::string Pattern::replace_in(std::string_view text, const Replacement& with) const {
  std::vector<re2::StringPiece> found(
      static_cast<std::size_t>(compiled_->NumberOfCapturingGroups()) + 1);
  std::vector<std::string_view> parts(found.size());
  const re2::StringPiece all{text.data(), text.size()};
  std::string replaced;
  std::size_t at = 0;
  while (at < text.size() &&
         compiled_->Match(all, at, all.size(), re2::RE2::UNANCHORED, found.data(),
                          static_cast<int>(found.size())) &&
         !found[0].empty()) {
    const auto begin = static_cast<std::size_t>(found[0].data() - text.data());
    for (std::size_t i = 0; i < found.size(); ++i)
      parts[i] = {found[i].data(), found[i].size()};
    replaced += text.substr(at, begin - at);
    replaced += with(parts);
    at = begin + found[0].size();
  }
  return replaced + std::string{text.substr(at)};
}

} // namespace base
