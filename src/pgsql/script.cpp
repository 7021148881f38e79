#include "pgsql/script.hpp"

#include "base/text.hpp"
#include "pgsql/scan.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

namespace pgsql {
namespace {

bool is_letter(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || byte >= 0x80;
}

std::string lower(std::string_view text) {
  std::string words{text};
  std::ranges::transform(words, words.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return words;
}

// A bound of how deep a parser nests what it reads, from the words alone: within one pair of
// brackets each word may nest what is before it, and a comma begins anew, but not for set
// operators.
class Depth {
public:
  void add(const std::string& word) {
    Level& level = levels_.back();
    if (word == "(" || word == "[") {
      levels_.emplace_back();
      deepest_ = std::max(deepest_, levels_.size());
    } else if ((word == ")" || word == "]") && levels_.size() > 1) {
      const std::size_t inner = level.total();
      levels_.pop_back();
      levels_.back().inner = std::max(levels_.back().inner, inner);
      ++levels_.back().words;
    } else if (word == "," || word == ";") {
      level.done = std::max(level.done, level.words + level.inner);
      level.words = level.inner = 0;
    } else if (word == "union" || word == "intersect" || word == "except") {
      ++level.operators;
    } else {
      ++level.words;
    }
  }
  std::size_t most() const {
    std::size_t most = 0;
    for (const Level& level : levels_)
      most += level.total();
    return std::max(most, deepest_);
  }

private:
  struct Level {
    std::size_t words = 0; // since the last comma
    std::size_t inner = 0; // the deepest pair of brackets since then
    std::size_t done = 0;  // before it
    std::size_t operators = 0;
    std::size_t total() const { return std::max(done, words + inner) + operators + 1; }
  };
  std::vector<Level> levels_{1};
  std::size_t deepest_ = 0;
};

// Counts lines forward only.
class Lines {
public:
  explicit Lines(std::string_view text) : text_{text} {}
  int at(std::size_t offset) {
    for (; at_ < offset && at_ < text_.size(); ++at_)
      line_ += text_[at_] == '\n' ? 1 : 0;
    return line_;
  }

private:
  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
};

// The semicolons in CREATE FUNCTION ... BEGIN ATOMIC ... END do not end it: told as psql does.
class Body {
public:
  void add(const std::string& word) {
    if (words_.size() < 4)
      words_.push_back(word);
    if (!is_routine())
      return;
    if (word == "begin")
      ++depth_;
    else if (word == "case" && depth_ > 0)
      ++depth_;
    else if (word == "end" && depth_ > 0)
      --depth_;
  }
  bool is_open() const { return depth_ > 0; }

private:
  bool is_routine() const {
    const auto is_kind = [&](std::size_t at) {
      return words_.size() > at && (words_[at] == "function" || words_[at] == "procedure");
    };
    return !words_.empty() && words_[0] == "create" &&
           (is_kind(1) || (words_.size() > 3 && words_[1] == "or" && is_kind(3)));
  }
  std::vector<std::string> words_;
  int depth_ = 0;
};

class Cutter {
public:
  explicit Cutter(const std::string& text) : text_{text}, lines_{text} {}

  Script cut() {
    std::size_t at = 0;
    const auto tokens = scan(text_, at);
    if (!tokens) {
      problem(lines_.at(at), tokens.error().message);
      return std::move(script_);
    }
    for (const Token& token : tokens.value())
      take(token);
    end_piece();
    return std::move(script_);
  }

private:
  void problem(int line, std::string text) { script_.problems.push_back({line, std::move(text)}); }

  void take(const Token& token) {
    const std::string_view word =
        std::string_view{text_}.substr(token.start, token.end - token.start);
    const int line = lines_.at(token.start);
    if (token.kind == TokenKind::line_comment) {
      script_.comments.push_back({line,
                                  std::string{word.substr(std::min<std::size_t>(2, word.size()))},
                                  !begin_ && script_.pieces.empty()});
      return;
    }
    if (token.kind == TokenKind::block_comment)
      return;
    if (word == "\\")
      return backslash(line);
    if (word == ";" && brackets_ == 0 && !body_.is_open())
      return end_piece();
    if (!begin_) {
      begin_ = token.start;
      piece_.line = line;
    }
    end_ = token.end;
    count(word);
    if (is_colon_ && colon_end_ == token.start &&
        (is_letter(word[0]) || word[0] == '\'' || word[0] == '"'))
      piece_.variable = ":" + std::string{word.substr(0, 40)};
    is_colon_ = word == ":";
    colon_end_ = token.end;
  }

  void count(std::string_view word) {
    if (word == "(" || word == "[")
      ++brackets_;
    else if ((word == ")" || word == "]") && brackets_ > 0)
      --brackets_;
    else if (is_letter(word[0]) && brackets_ == 0)
      body_.add(lower(word));
    depth_.add(lower(word.substr(0, 16)));
  }

  void backslash(int line) {
    if (line != backslash_line_)
      problem(line, "a line with '\\' outside of quotes is for the program psql, not SQL");
    backslash_line_ = line;
  }

  void end_piece() {
    if (begin_) {
      piece_.sql = text_.substr(*begin_, end_ - *begin_);
      piece_.depth = depth_.most();
      script_.pieces.push_back(std::move(piece_));
    }
    piece_ = {};
    begin_.reset();
    brackets_ = 0;
    body_ = {};
    depth_ = {};
    is_colon_ = false;
  }

  const std::string& text_;
  Lines lines_;
  Script script_;
  Piece piece_;
  std::optional<std::size_t> begin_; // of the statement that is being read
  std::size_t end_ = 0;
  std::size_t brackets_ = 0;
  bool is_colon_ = false;
  std::size_t colon_end_ = 0;
  int backslash_line_ = 0;
  Body body_;
  Depth depth_;
};

} // namespace

Script read_script(std::string_view text) {
  Script script;
  if (text.size() > script_bytes_max) {
    script.problems.push_back(
        {1, "this file is larger than " + base::format_bytes(script_bytes_max)});
    return script;
  }
  if (const auto zero = text.find('\0'); zero != std::string_view::npos) {
    script.problems.push_back(
        {1 + static_cast<int>(std::ranges::count(text.substr(0, zero), '\n')), "this is not text"});
    return script;
  }
  return Cutter{std::string{text}}.cut();
}

} // namespace pgsql
