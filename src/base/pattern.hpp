#pragma once
// Pattern: a regular expression in RE2's syntax. Time is linear in the text, whoever wrote either.

#include "base/result.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace base {

class Pattern {
public:
  // invalid_input: not a pattern, or one that would need too much memory.
  static Result<Pattern> compile(const std::string& text);
  bool is_found_in(std::string_view text) const;
  bool is_all_of(std::string_view text) const;
  // `text` with every match replaced by what `with` makes of its parts: first the whole match, then
  // one for each pair of parentheses, empty for one that took no part.
  using Replacement = std::function<std::string(const std::vector<std::string_view>& parts)>;
  std::string replace_in(std::string_view text, const Replacement& with) const;

private:
  explicit Pattern(std::shared_ptr<const re2::RE2> compiled) : compiled_{std::move(compiled)} {}
  std::shared_ptr<const re2::RE2> compiled_;
};

} // namespace base
