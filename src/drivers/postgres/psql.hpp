#pragma once
// Psql: SQL by psql, the server's own client. Exit status alone is never evidence: what a script
// gave counts only when the mark behind its last statement came back too.

#include "drivers/postgres/reach.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drivers::postgres {

using Row = std::vector<std::string>; // NULL and the empty text are the same here
using Rows = std::vector<Row>;

std::uint64_t number_of(std::string_view text); // of a cell; 0 when it is none

// What the server said no to.
struct SqlError {
  std::string state;   // SQLSTATE, "42P01"; empty when psql itself said it
  std::string message; // with DETAIL and HINT of the server, one line
  int line = 0;        // of the script, from 1; 0: unknown
  int inner_line = 0;  // of the statement that failed, from 1; 0: unknown
};

struct Answer {
  Rows rows;                     // of all statements, one after the other
  std::optional<SqlError> error; // nothing after the statement that failed was run
  int server_version = 0;        // 150020
};

// How a script is run.
struct RunOptions {
  world::Milliseconds timeout{60'000}; // the server ends a statement that takes longer, too
  std::size_t bytes_max = 64U << 20U;  // of its rows
};

class Psql {
public:
  Psql(world::World world, Reach reach) : world_{world}, reach_{std::move(reach)} {}

  const Reach& reach() const { return reach_; }

  // Runs a script, statement by statement, up to the first that fails; no transaction is made
  // around it. The session has search_path = '', UTC, ISO dates, exact numbers and hexadecimal
  // bytea, and ends with its client. Backslash commands of psql are obeyed: never put text from
  // outside into a script but through literal() and ident().
  // unavailable: there was no connection, nothing was run. unknown_outcome: the connection was
  // lost, or it took too long. invalid_input: the client is older than the server.
  base::Result<Answer> ask(const std::string& database, const std::string& script,
                           const RunOptions& options = {}) const;
  // The same; what the server said no to is an Error, with its SQLSTATE and what to do.
  base::Result<Rows> run(const std::string& database, const std::string& script,
                         const RunOptions& options = {}) const;

  // The same, for more than fits into memory: what it prints goes into the new file `path`, between
  // two lines that begin with "-- belay-". The file is whole when this is no Error.
  base::Result<> write(const std::string& database, const std::string& script,
                       const std::string& path, const RunOptions& options = {}) const;

private:
  base::Result<world::Command> command(const std::string& database, const std::string& text,
                                       const RunOptions& options) const;
  world::World world_;
  Reach reach_;
};

std::string ident(std::string_view name);   // "a""b", always quoted
std::string literal(std::string_view text); // 'it''s', or E'...' where it has a backslash
// not_found, no_space, unavailable, conflict or failed, with a hint by its SQLSTATE.
base::Error error_of(const SqlError& error);
// As psql writes it; rows may have any bytes but NUL in them. Nothing: it is cut off.
std::optional<Rows> parse_csv(std::string_view text);

} // namespace drivers::postgres
