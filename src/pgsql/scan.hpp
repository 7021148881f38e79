#pragma once
// Scan: the words of a text as PostgreSQL's scanner sees them. Pure.

#include "base/result.hpp"

#include <string>
#include <vector>

namespace pgsql {

enum class TokenKind { word, line_comment, block_comment };

struct Token {
  std::size_t start = 0; // bytes
  std::size_t end = 0;
  TokenKind kind = TokenKind::word;
};

// invalid_input: a quotation or comment that does not end; `at` is then where it begins.
base::Result<std::vector<Token>> scan(const std::string& text, std::size_t& at);

} // namespace pgsql
