#include "drivers/postgres/psql.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace drivers::postgres {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

// Each on a line of its own. What is compared later must be written alike everywhere.
constexpr std::array settings{
    "SET search_path = '';",
    "SET TimeZone = 'UTC';",
    "SET DateStyle = 'ISO, YMD';",
    "SET IntervalStyle = iso_8601;",
    "SET extra_float_digits = 3;",
    "SET bytea_output = hex;",
    "SET client_min_messages = error;",
    "SET xmloption = content;",
    "SET standard_conforming_strings = on;",
    "SET idle_in_transaction_session_timeout = 0;",
};

// Ended by the server when its client is gone, as after a crash of ours.
constexpr std::string_view watch_client = "\\if :has_watch\n"
                                          "SET client_connection_check_interval = 1000;\n"
                                          "\\endif\n";

struct Script {
  std::string text;
  int lines_before = 0; // of the caller's first line
};

Script script_of(const std::string& mark, const std::string& body, const RunOptions& options) {
  Script script;
  script.text = "\\echo " + mark +
                "-begin :VERSION_NUM :SERVER_VERSION_NUM\n"
                "SELECT current_setting('server_version_num')::int >= 140000 AS has_watch \\gset\n";
  for (const char* setting : settings)
    script.text += std::string{setting} + "\n";
  script.text += watch_client;
  script.text += "SET statement_timeout = " + std::to_string(options.timeout.count()) + ";\n";
  script.lines_before = static_cast<int>(std::ranges::count(script.text, '\n'));
  script.text += body + "\n;\n\\echo " + mark + "-end\n";
  return script;
}

int number_in(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// "psql:<stdin>:12: ERROR:  42P01: relation "x" does not exist"
std::optional<SqlError> find_error(const std::string& text, int lines_before) {
  SqlError error;
  bool is_found = false;
  for (const std::string& line : base::split(text, '\n')) {
    if (is_found) {
      for (const char* more : {"DETAIL:  ", "HINT:  "})
        if (line.starts_with(more))
          error.message += "; " + line.substr(std::string_view{more}.size());
      if (line.starts_with("LINE ") && error.inner_line == 0)
        error.inner_line = number_in(std::string_view{line}.substr(5));
      continue;
    }
    std::size_t at = std::string::npos;
    for (const char* severity : {"ERROR:  ", "FATAL:  ", "PANIC:  "})
      if (at = line.find(severity); at != std::string::npos)
        break;
    if (at == std::string::npos)
      continue;
    is_found = true;
    std::string rest = line.substr(at + 8);
    if (rest.size() > 7 && rest.substr(5, 2) == ": ") {
      error.state = rest.substr(0, 5);
      rest = rest.substr(7);
    }
    error.message = base::printable(rest);
    if (const auto colon = line.find("<stdin>:"); colon < at)
      error.line = std::max(0, number_in(std::string_view{line}.substr(colon + 8)) - lines_before);
  }
  if (!is_found)
    return std::nullopt;
  return error;
}

struct Begin {
  std::size_t end = 0; // of its line
  int client = 0;
  int server = 0;
};

std::optional<Begin> find_begin(const std::string& out, const std::string& mark) {
  const std::string wanted = mark + "-begin ";
  if (!out.starts_with(wanted))
    return std::nullopt;
  const auto end = out.find('\n');
  if (end == std::string::npos)
    return std::nullopt;
  const auto parts = base::split(out.substr(wanted.size(), end - wanted.size()), ' ');
  if (parts.size() != 2)
    return std::nullopt;
  return Begin{end + 1, number_in(parts[0]), number_in(parts[1])};
}

const char* hint_of_connection(const std::string& text) {
  if (text.contains("password") || text.contains("authentication"))
    return "Correct `user:` and `password:` of the store, or pg_hba.conf of the server.";
  if (text.contains("not currently accepting connections"))
    return "The database is fenced off. 'belay resume' ends what was begun; by hand: ALTER "
           "DATABASE ... ALLOW_CONNECTIONS true.";
  if (text.contains("does not exist"))
    return "Correct `database:` or `user:` of the store.";
  return "Start the server, or correct `host:`, `port:` and `through:` of the store.";
}

Error no_connection(const world::Output& output) {
  const std::string text = said(output);
  const bool is_missing = text.contains("database \"") && text.contains("does not exist");
  return {is_missing ? ErrorKind::not_found : ErrorKind::unavailable,
          "no connection to PostgreSQL: " + text, hint_of_connection(text)};
}

} // namespace

std::string ident(std::string_view name) {
  std::string text{"\""};
  for (const char c : name) {
    if (c == '"')
      text += c;
    text += c;
  }
  return text + "\"";
}

std::string literal(std::string_view value) {
  std::string text = value.contains('\\') ? " E'" : "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\')
      text += c;
    text += c;
  }
  return text + "'";
}

std::optional<Rows> parse_csv(std::string_view text) {
  Rows rows;
  Row row;
  std::string field;
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_quoted) {
      if (c != '"')
        field += c;
      else if (i + 1 < text.size() && text[i + 1] == '"')
        field += text[++i];
      else
        is_quoted = false;
    } else if (c == '"') {
      is_quoted = true;
    } else if (c == ',' || c == '\n') {
      row.push_back(std::exchange(field, {}));
      if (c == '\n')
        rows.push_back(std::exchange(row, {}));
    } else {
      field += c;
    }
  }
  if (is_quoted || !field.empty() || !row.empty())
    return std::nullopt;
  return rows;
}

Error error_of(const SqlError& error) {
  const std::string_view state = error.state;
  const std::string at = error.state.empty() ? "" : " (SQLSTATE " + error.state + ")";
  const auto make = [&](ErrorKind kind, const char* hint) {
    return Error{kind, "PostgreSQL: " + error.message + at, hint};
  };
  if (state == "42501")
    return make(ErrorKind::failed, "Grant it to the role of the store: docs/guide/postgres.md.");
  if (state == "3D000" || state == "42P01" || state == "42704")
    return make(ErrorKind::not_found, "");
  if (state == "53100")
    return make(ErrorKind::no_space, "Free room on the server's disk.");
  if (state == "55006" || state == "42P04" || state == "55P03")
    return make(ErrorKind::conflict, "Somebody else uses it: see pg_stat_activity.");
  if (state == "57014")
    return make(ErrorKind::unknown_outcome, "It took longer than `timeout:` of the store allows.");
  if (state.starts_with("53") || state == "57P03")
    return make(ErrorKind::unavailable, "Try again later.");
  if (state.starts_with("08") || state == "57P01" || state == "57P02")
    return make(ErrorKind::unknown_outcome, "The connection was lost: look what was done.");
  if (state.starts_with("XX"))
    return make(ErrorKind::corrupt, "The server's own log tells more.");
  return make(ErrorKind::failed, "");
}

namespace {

Error too_old(const Begin& begin) {
  return {ErrorKind::invalid_input,
          "psql is of version " + std::to_string(begin.client / 10000) +
              ", the server of version " + std::to_string(begin.server / 10000),
          "Name the server's own tools with `tools:`, or reach them with `through:`."};
}

// Why a script that began did not come to its end: nothing, when the server said why.
std::optional<Error> without_end(const world::Output& output,
                                 const std::optional<SqlError>& said_no) {
  const bool was_lost =
      output.exit_code != 3 || output.err.contains("connection to server was lost");
  if (!was_lost && said_no)
    return std::nullopt;
  return Error{ErrorKind::unknown_outcome,
               "psql ended with status " + std::to_string(output.exit_code) +
                   " before the end of its script: " + said(output),
               "Look at the server's log, then try again."};
}

// SQL reads it as a comment.
std::string make_mark(world::Random& random) {
  return "-- belay-" + random.hex(12);
}

} // namespace

std::uint64_t number_of(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Result<world::Command> Psql::command(const std::string& database, const std::string& text,
                                     const RunOptions& options) const {
  world::Command command =
      TRY(reach_.command("psql", {"--no-psqlrc", "--quiet", "--csv", "--tuples-only",
                                  "--no-password", "--file=-", "--set", "ON_ERROR_STOP=1", "--set",
                                  "VERBOSITY=verbose", "--dbname", reach_.connection(database)}));
  command.input = text;
  command.timeout = options.timeout + world::Milliseconds{20'000}; // the server ends it first
  command.output_bytes_max = options.bytes_max;
  return command;
}

Result<Answer> Psql::ask(const std::string& database, const std::string& script,
                         const RunOptions& options) const {
  const std::string mark = make_mark(world_.random);
  const Script whole = script_of(mark, script, options);
  const world::Output output =
      TRY(world_.processes.run(TRY(command(database, whole.text, options))));
  const auto begin = find_begin(output.out, mark);
  if (!begin && output.out.size() >= options.bytes_max)
    return Error{ErrorKind::failed,
                 "PostgreSQL gave more than " + base::format_bytes(options.bytes_max), ""};
  if (!begin)
    return no_connection(output);
  if (begin->client / 10000 < begin->server / 10000)
    return too_old(*begin);
  Answer answer{.rows = {}, .error = {}, .server_version = begin->server};
  std::string_view rows{output.out};
  rows.remove_prefix(begin->end);
  const std::string end = mark + "-end\n";
  if (output.exit_code == 0 && rows.ends_with(end)) {
    rows.remove_suffix(end.size());
    if (auto parsed = parse_csv(rows)) {
      answer.rows = std::move(*parsed);
      return answer;
    }
  }
  answer.error = find_error(output.err, whole.lines_before);
  if (auto error = without_end(output, answer.error))
    return std::move(*error);
  return answer;
}

Result<> Psql::write(const std::string& database, const std::string& script,
                     const std::string& path, const RunOptions& options) const {
  const std::string mark = make_mark(world_.random);
  const Script whole = script_of(mark, script, options);
  world::Command made = TRY(command(database, whole.text, options));
  made.output_path = path;
  const world::Output output = TRY(world_.processes.run(made));
  const auto begin = find_begin(TRY(world_.files.read_start(path, 4096)), mark);
  if (!begin)
    return no_connection(output);
  if (begin->client / 10000 < begin->server / 10000)
    return too_old(*begin);
  if (output.exit_code == 0 && TRY(world_.files.read_end(path, 256)).ends_with(mark + "-end\n"))
    return base::ok();
  const auto said_no = find_error(output.err, whole.lines_before);
  if (auto error = without_end(output, said_no))
    return std::move(*error);
  return error_of(*said_no);
}

Result<Rows> Psql::run(const std::string& database, const std::string& script,
                       const RunOptions& options) const {
  Answer answer = TRY(ask(database, script, options));
  if (answer.error)
    return error_of(*answer.error);
  return std::move(answer.rows);
}

} // namespace drivers::postgres
