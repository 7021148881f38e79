#include "base/words.hpp"

namespace base {

Result<std::vector<std::string>> words_of_command(std::string_view command) {
  std::vector<std::string> words;
  bool is_in_word = false;
  char quote = '\0';
  for (std::size_t at = 0; at < command.size(); ++at) {
    const char c = command[at];
    if (quote == '\0' && (c == ' ' || c == '\t' || c == '\n')) {
      is_in_word = false;
      continue;
    }
    if (!is_in_word)
      words.emplace_back();
    is_in_word = true;
    if (c == quote)
      quote = '\0';
    else if (quote == '\0' && (c == '\'' || c == '"'))
      quote = c;
    else if (c == '\\' && quote != '\'' && at + 1 < command.size())
      words.back() += command[++at];
    else
      words.back() += c;
  }
  if (quote != '\0')
    return Error{ErrorKind::invalid_input, "a quote in '" + std::string{command} + "' does not end",
                 ""};
  return words;
}

} // namespace base
