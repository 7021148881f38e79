#pragma once
// Script: a file of SQL cut into its statements, and what in it cannot be part of one transaction.
// Pure. Source: sqlite.org/lang.html, and how sqlite3_complete() finds the end of a trigger.

#include "migrations/folder.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace drivers::sqlite {

using migrations::Directive;
using ScriptProblem = migrations::Problem;

struct Statement {
  std::string sql; // without the semicolon
  int line = 0;    // of its first word, from 1
};

struct Script {
  std::vector<Statement> statements;
  std::vector<Directive> directives;
  std::vector<ScriptProblem> problems; // empty: every statement can run in one transaction
};

Script read_script(std::string_view text);

} // namespace drivers::sqlite
