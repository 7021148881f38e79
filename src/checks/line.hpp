#pragma once
// Line: the words of a line, for those who read files of other programs.

#include <algorithm>
#include <string_view>

namespace checks {

inline constexpr std::string_view blanks = " \t\r";

inline std::string_view after_blanks(std::string_view text) {
  const auto at = text.find_first_not_of(blanks);
  return at == std::string_view::npos ? std::string_view{} : text.substr(at);
}

// Takes the next word off the text.
inline std::string_view take_word(std::string_view& text) {
  text = after_blanks(text);
  const auto end = std::min(text.find_first_of(blanks), text.size());
  const std::string_view word = text.substr(0, end);
  text = after_blanks(text.substr(end));
  return word;
}

} // namespace checks
