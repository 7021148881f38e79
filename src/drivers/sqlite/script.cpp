#include "drivers/sqlite/script.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

namespace drivers::sqlite {
namespace {

bool is_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || byte >= 0x80;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

std::string upper(std::string_view text) {
  std::string words{text};
  std::ranges::transform(words, words.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c; });
  return words;
}

struct Refused {
  std::string_view word; // a statement's first
  std::string_view why;
};
constexpr std::array refused{
    Refused{"VACUUM", "VACUUM cannot be part of a transaction"},
    Refused{"ATTACH", "ATTACH cannot be part of a transaction, and would reach another database"},
    Refused{"DETACH", "DETACH cannot be part of a transaction"},
    Refused{"BEGIN", "BEGIN is not for a migration: each file is one transaction already"},
    Refused{"COMMIT", "COMMIT is not for a migration: each file is one transaction already"},
    Refused{"END", "END is not for a migration: each file is one transaction already"},
    Refused{"ROLLBACK", "ROLLBACK is not for a migration: each file is one transaction already"},
    Refused{"SAVEPOINT", "SAVEPOINT is not for a migration: each file is one transaction already"},
    Refused{"RELEASE", "RELEASE is not for a migration: each file is one transaction already"},
};

// Those that are undone with the transaction, or end with the connection.
constexpr std::array<std::string_view, 6> pragmas{"USER_VERSION",       "APPLICATION_ID",
                                                  "DEFER_FOREIGN_KEYS", "LEGACY_ALTER_TABLE",
                                                  "RECURSIVE_TRIGGERS", "IGNORE_CHECK_CONSTRAINTS"};

constexpr std::string_view own_ledger = "BELAY_MIGRATIONS";

// How sqlite3_complete() tells a trigger, whose semicolons do not end it, from other statements.
enum class Form { start, other, explain, create, trigger, trigger_semicolon, trigger_end };

Form after(Form form, std::string_view token) {
  switch (form) {
  case Form::start:
    return token == "EXPLAIN" ? Form::explain : token == "CREATE" ? Form::create : Form::other;
  case Form::explain:
    return token == "CREATE" ? Form::create
           : token == "EXPLAIN" || token == "TEMP" || token == "TEMPORARY" || token == "TRIGGER" ||
                   token == "END"
               ? Form::other
               : Form::explain;
  case Form::create:
    return token == "TRIGGER"                        ? Form::trigger
           : token == "TEMP" || token == "TEMPORARY" ? Form::create
                                                     : Form::other;
  case Form::trigger_semicolon:
    return token == ";"     ? Form::trigger_semicolon
           : token == "END" ? Form::trigger_end
                            : Form::trigger;
  case Form::trigger:
  case Form::trigger_end: return token == ";" ? Form::trigger_semicolon : Form::trigger;
  default: return form;
  }
}

class Cutter {
public:
  explicit Cutter(std::string_view text) : text_{text} {}

  Script cut() {
    if (const auto zero = text_.find('\0'); zero != std::string_view::npos) {
      problem(1 + static_cast<int>(std::ranges::count(text_.substr(0, zero), '\n')),
              "this is not text");
      return std::move(script_);
    }
    while (at_ < text_.size())
      step();
    end_statement();
    return std::move(script_);
  }

private:
  void step() {
    const char c = text_[at_];
    if (is_blank(c))
      advance(1);
    else if (text_.substr(at_, 2) == "--")
      comment(text_.find('\n', at_));
    else if (text_.substr(at_, 2) == "/*")
      block_comment();
    else if (c == '\'' || c == '"' || c == '`')
      quoted(c);
    else if (c == '[')
      quoted(']');
    else if (c == ';')
      semicolon();
    else if (is_word(c))
      word();
    else
      other(c);
  }

  void advance(std::size_t count) {
    for (; count > 0 && at_ < text_.size(); --count)
      line_ += text_[at_++] == '\n' ? 1 : 0;
  }

  void problem(int line, std::string text) { script_.problems.push_back({line, std::move(text)}); }

  void comment(std::size_t end) {
    const bool is_head = !begin_ && script_.statements.empty();
    migrations::Reading reading;
    migrations::read_comment(
        line_, text_.substr(at_ + 2, end == std::string_view::npos ? end : end - at_ - 2), is_head,
        reading);
    std::ranges::move(reading.directives, std::back_inserter(script_.directives));
    std::ranges::move(reading.problems, std::back_inserter(script_.problems));
    advance(end == std::string_view::npos ? text_.size() - at_ : end - at_);
  }

  void block_comment() {
    const auto end = text_.find("*/", at_ + 2);
    if (end == std::string_view::npos)
      problem(line_, "this comment does not end");
    advance(end == std::string_view::npos ? text_.size() - at_ : end + 2 - at_);
  }

  void quoted(char end) {
    begin();
    const int line = line_;
    const std::size_t from = at_ + 1;
    std::size_t to = from;
    for (;;) {
      to = text_.find(end, to);
      if (to == std::string_view::npos) {
        problem(line, "this quotation does not end");
        return advance(text_.size() - at_);
      }
      if (end == ']' || to + 1 >= text_.size() || text_[to + 1] != end)
        break;
      to += 2; // doubled: a part of it
    }
    if (end != '\'' && upper(text_.substr(from, to - from)) == own_ledger)
      refuse_ledger();
    form_ = after(form_, "'"); // no word
    advance(to + 1 - at_);
  }

  void semicolon() {
    if (form_ == Form::trigger || form_ == Form::trigger_semicolon) {
      form_ = after(form_, ";");
      return advance(1);
    }
    end_statement();
    advance(1);
  }

  void word() {
    begin();
    std::size_t end = at_;
    while (end < text_.size() && is_word(text_[end]))
      ++end;
    const std::string word = upper(text_.substr(at_, end - at_));
    if (word == own_ledger)
      refuse_ledger();
    if (words_.size() < 5)
      words_.push_back(word);
    form_ = after(form_, word);
    advance(end - at_);
  }

  void other(char c) {
    if (c == '.' && !begin_) {
      problem(line_, "a line that begins with '.' is for the program sqlite3, not SQL");
      const auto end = text_.find('\n', at_);
      return advance(end == std::string_view::npos ? text_.size() - at_ : end - at_);
    }
    begin();
    form_ = after(form_, std::string_view{&c, 1});
    advance(1);
  }

  void refuse_ledger() { problem(line_, "the ledger 'belay_migrations' is kept by belay alone"); }

  void begin() {
    if (begin_)
      return;
    begin_ = at_;
    first_line_ = line_;
  }

  void end_statement() {
    if (!begin_)
      return;
    judge();
    if (form_ == Form::trigger || form_ == Form::trigger_semicolon)
      problem(first_line_, "this trigger has no END");
    script_.statements.push_back({std::string{text_.substr(*begin_, at_ - *begin_)}, first_line_});
    begin_.reset();
    words_.clear();
    form_ = Form::start;
  }

  void judge() {
    if (words_.empty())
      return;
    for (const Refused& each : refused)
      if (words_.front() == each.word)
        problem(first_line_, std::string{each.why});
    if (words_.front() == "PRAGMA")
      judge_pragma();
  }

  // PRAGMA [schema.]name
  void judge_pragma() {
    std::string name = words_.size() > 1 ? words_[1] : "";
    if (words_.size() > 2 && (name == "MAIN" || name == "TEMP"))
      name = words_[2];
    if (std::ranges::find(pragmas, name) != pragmas.end())
      return;
    std::string lower{name};
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
    problem(first_line_,
            "PRAGMA " + lower +
                (name == "FOREIGN_KEYS"
                     ? " has no effect in a transaction: belay checks foreign keys at its end"
                     : " has no effect in a transaction, or is not undone with it"));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  std::optional<std::size_t> begin_; // of the statement that is being read
  int first_line_ = 0;
  std::vector<std::string> words_; // its first ones
  Form form_ = Form::start;
  Script script_;
};

} // namespace

Script read_script(std::string_view text) {
  return Cutter{text}.cut();
}

} // namespace drivers::sqlite
