#pragma once
// Script: a file of SQL cut into its statements, and what in it cannot be part of one transaction.
// Pure. Source: sqlite.org/lang.html, and how sqlite3_complete() finds the end of a trigger.

#include <string>
#include <string_view>
#include <vector>

namespace drivers::sqlite {

// What stands in a comment at the head of a file: `-- belay: expand`, `-- belay: compatible`.
struct Directive {
  int line = 0;
  std::string word;
};

struct Statement {
  std::string sql; // without the semicolon
  int line = 0;    // of its first word, from 1
};

struct ScriptProblem {
  int line = 0;
  std::string text; // "VACUUM cannot be part of a transaction"
  bool operator==(const ScriptProblem&) const = default;
};

struct Script {
  std::vector<Statement> statements;
  std::vector<Directive> directives;
  std::vector<ScriptProblem> problems; // empty: every statement can run in one transaction
};

Script read_script(std::string_view text);

} // namespace drivers::sqlite
