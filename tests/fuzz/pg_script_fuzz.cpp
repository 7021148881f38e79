// Any bytes as a file of SQL for PostgreSQL. Between two statements lie only blanks, comments and
// semicolons; each is judged, and what the grammar does not take is never called safe.

#include "pgsql/file.hpp"
#include "pgsql/tree.hpp"

#include <algorithm>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const pgsql::Script script = pgsql::read_script(text);
  std::size_t at = 0;
  for (const pgsql::Piece& piece : script.pieces) {
    const std::size_t from = text.find(piece.sql, at);
    CHECK(!piece.sql.empty() && from != std::string_view::npos);
    CHECK(piece.line >= 1 && piece.line <= 1 + std::ranges::count(text, '\n'));
    at = from + piece.sql.size();
  }
  pgsql::Classifier classifier{
      {.is_known = size % 2 == 0, .relations = {"a"}, .columns = {"a.b"}, .functions = {"f"}}};
  const pgsql::File file = pgsql::read_file(text, classifier);
  for (const pgsql::Problem& problem : file.problems)
    CHECK(problem.line > 0 && !problem.text.empty());
  for (const pgsql::Step& step : file.steps) {
    CHECK(!step.judgement.findings.empty());
    const bool is_safe = kind_of(step.judgement) <= pgsql::Kind::compatible;
    CHECK(!is_safe || pgsql::parse(step.piece));
  }
  return 0;
}
