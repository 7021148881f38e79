#include "config/env_file.hpp"

#include <algorithm>

namespace config {
namespace {

using base::Result;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}
bool is_key_part(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

class Parser {
public:
  Parser(std::string_view text, const std::string& file, const Scope& outer)
      : rest_{text}, problems_{file}, scope_{outer} {
    scope_.layers.push_back({file, {}});
    if (rest_.starts_with("\xEF\xBB\xBF"))
      rest_.remove_prefix(3);
  }

  Result<Variables> run() {
    while (!rest_.empty())
      line();
    if (problems_.any())
      return problems_.error();
    return std::move(scope_.layers.back().variables);
  }

private:
  char peek() const { return rest_.empty() ? '\n' : rest_[0]; }
  void step() {
    at_ = rest_[0] == '\n' ? Mark{at_.line + 1, 1} : Mark{at_.line, at_.column + 1};
    rest_.remove_prefix(1);
  }
  void skip_blanks() {
    while (!rest_.empty() && is_blank(rest_[0]))
      step();
  }
  void skip_line() {
    while (peek() != '\n')
      step();
    if (!rest_.empty())
      step();
  }
  void fail(Mark mark, std::string message, const std::string& hint) {
    problems_.add(mark, std::move(message), hint);
  }

  std::string key() {
    std::string name;
    for (; !rest_.empty() && is_key_part(rest_[0]); step())
      name += rest_[0];
    return name;
  }

  void line() {
    skip_blanks();
    if (peek() == '#' || peek() == '\n')
      return skip_line();
    Mark begin = at_;
    std::string name = key();
    if (name == "export" && is_blank(peek())) {
      skip_blanks();
      begin = at_;
      name = key();
    }
    skip_blanks();
    if (name.empty() || (name[0] >= '0' && name[0] <= '9')) {
      fail(begin, "a variable name is missing here", "Write KEY=VALUE, one a line.");
      return skip_line();
    }
    if (peek() == '\n' || peek() == '#') // a name alone passes on what the environment has
      return skip_line();
    if (peek() != '=' && peek() != ':') {
      fail(at_, "'=' is missing after '" + name + "'", "Write KEY=VALUE, one a line.");
      return skip_line();
    }
    step();
    skip_blanks();
    value(name);
  }

  void value(const std::string& name) {
    const Mark begin = at_;
    if (peek() != '\'' && peek() != '"') {
      const std::string_view raw = bare();
      assign(name, raw, begin);
      return skip_line();
    }
    const char quote = peek();
    std::string text;
    step();
    while (!rest_.empty() && rest_[0] != quote)
      quoted_character(quote, text);
    if (rest_.empty())
      return fail(begin, "the quote that opens here is never closed", "");
    step();
    if (quote == '"')
      assign(name, text, begin);
    else
      scope_.layers.back().variables.insert_or_assign(name, std::move(text));
    skip_blanks();
    if (peek() != '\n' && peek() != '#')
      fail(at_, "text after the closing quote", "Put the whole value in quotes.");
    skip_line();
  }

  // Up to the end of the line or a comment; what is left starts there.
  std::string_view bare() {
    std::string_view text = rest_.substr(0, std::min(rest_.find('\n'), rest_.size()));
    for (std::size_t i = 0; i < text.size(); ++i)
      if (text[i] == '#' && (i == 0 || is_blank(text[i - 1]))) {
        text = text.substr(0, i);
        break;
      }
    while (!text.empty() && is_blank(text.back()))
      text.remove_suffix(1);
    return text;
  }

  void quoted_character(char quote, std::string& text) {
    const char c = rest_[0];
    step();
    if (c != '\\' || rest_.empty()) {
      text += c;
      return;
    }
    const char next = rest_[0];
    const bool is_escape =
        quote == '\'' ? next == '\'' : std::string_view{"\"\\nrt$"}.contains(next);
    if (!is_escape) {
      text += c;
      return;
    }
    step();
    switch (quote == '\'' ? '\'' : next) {
    case 'n': text += '\n'; break;
    case 'r': text += '\r'; break;
    case 't': text += '\t'; break;
    case '$': text += "$$"; break; // stays a dollar when the value is expanded
    default: text += next;
    }
  }

  void assign(const std::string& name, std::string_view raw, Mark mark) {
    auto expanded = expand(raw, scope_);
    if (!expanded)
      return fail(mark, expanded.error().message,
                  "Put the value in single quotes if its '$' is meant, else: " +
                      expanded.error().hint);
    scope_.layers.back().variables.insert_or_assign(name, std::move(expanded.value().text));
  }

  std::string_view rest_;
  Mark at_;
  Problems problems_;
  Scope scope_; // the outer layers, and last the variables of this file
};

} // namespace

Result<Variables> parse_env_file(std::string_view text, const std::string& file,
                                 const Scope& outer) {
  if (text.size() > env_file_bytes_max)
    return base::Error{base::ErrorKind::invalid_input, "'" + file + "' is larger than 1 MiB", ""};
  if (text.contains('\0'))
    return base::Error{base::ErrorKind::invalid_input, "'" + file + "' has a zero byte", ""};
  return Parser{text, file, outer}.run();
}

} // namespace config
