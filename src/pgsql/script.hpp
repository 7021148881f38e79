#pragma once
// Script: a file of SQL cut into statements by PostgreSQL's own scanner. Pure.

#include "base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pgsql {

inline constexpr std::size_t script_bytes_max = 16U << 20U;

struct Piece {
  std::string sql; // without the semicolon
  int line = 0;    // of its first word, from 1
  // How deep its expressions can be nested at most: the parser has no bound of its own.
  std::size_t depth = 0;
  std::string variable; // of the program psql, when one seems to stand here: ":name"
};

struct Comment {
  int line = 0;
  std::string text;     // of a line, without the dashes
  bool is_head = false; // before the first statement
};

struct Problem {
  int line = 0;
  std::string text;
  bool operator==(const Problem&) const = default;
};

struct Script {
  std::vector<Piece> pieces;
  std::vector<Comment> comments; // those that end with their line
  std::vector<Problem> problems; // why it is not SQL as a server takes it
};

// More than script_bytes_max is a problem too.
Script read_script(std::string_view text);

} // namespace pgsql
