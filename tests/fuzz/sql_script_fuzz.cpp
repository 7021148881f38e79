// Any bytes as a file of SQL. What is cut without a problem is the whole of it: between two
// statements lie only blanks, comments and semicolons; each is complete, and ends at the first
// semicolon that SQLite itself lets end it.

#include "base/result.hpp"
#include "drivers/sqlite/script.hpp"

#include <algorithm>
#include <cstdint>

#include <sqlite3.h>

namespace {

// Where the next statement begins.
std::size_t after_gap(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const std::string_view two = text.substr(at, 2);
    std::size_t end = at;
    if (std::string_view{" \t\n\r\f;"}.contains(text[at]))
      end = at + 1;
    else if (two == "--")
      end = std::min(text.find('\n', at), text.size());
    else if (two == "/*")
      end = text.find("*/", at + 2) + 2;
    if (end == at)
      return at;
    at = end;
  }
  return at;
}

constexpr std::size_t quadratic_bytes_max = 1024;

bool is_complete(const std::string& sql) {
  return sqlite3_complete(sql.c_str()) == 1;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const drivers::sqlite::Script script = drivers::sqlite::read_script(text);
  for (const drivers::sqlite::ScriptProblem& problem : script.problems)
    CHECK(problem.line > 0 && !problem.text.empty());
  if (!script.problems.empty())
    return 0;
  std::size_t at = 0;
  for (const drivers::sqlite::Statement& statement : script.statements) {
    at = after_gap(text, at);
    CHECK(text.substr(at).starts_with(statement.sql));
    CHECK(statement.line == 1 + std::ranges::count(text.substr(0, at), '\n'));
    at += statement.sql.size();
    CHECK(at == text.size() || text[at] == ';');
    CHECK(is_complete(statement.sql + "\n;")); // a comment may be its last word
    if (size > quadratic_bytes_max)
      continue;
    for (auto end = statement.sql.find(';'); end != std::string::npos;
         end = statement.sql.find(';', end + 1))
      CHECK(!is_complete(statement.sql.substr(0, end + 1)));
  }
  CHECK(after_gap(text, at) == text.size());
  return 0;
}
