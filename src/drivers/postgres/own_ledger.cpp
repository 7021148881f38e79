#include "drivers/postgres/own_ledger.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace drivers::postgres {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string stem_of(const std::string& file) {
  return file.ends_with(".sql") ? file.substr(0, file.size() - 4) : file;
}

// The digits at its head without leading zeros; empty when there are none.
std::string leading_number(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && is_digit(text[end]))
    ++end;
  std::size_t from = 0;
  while (from + 1 < end && text[from] == '0')
    ++from;
  return std::string{text.substr(from, end - from)};
}

bool is_number(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, is_digit);
}

bool is_digest(const std::string& text) {
  return text.size() == 64 &&
         std::ranges::all_of(text, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

constexpr std::array<std::string_view, 4> names{"version", "filename", "name", "migration"};
constexpr std::array<std::string_view, 4> times{"applied_at", "run_on", "created_at",
                                                "installed_on"};
constexpr std::array<std::string_view, 2> digests{"sha256", "checksum"};

// Whether its value must be given, as nothing else makes it.
using LedgerColumns = std::map<std::string, bool>;

template <class List>
std::string first_of(const LedgerColumns& columns, const List& wanted) {
  const auto found = std::ranges::find_if(
      wanted, [&](std::string_view each) { return columns.contains(std::string{each}); });
  return found == wanted.end() ? std::string{} : std::string{*found};
}

Result<> take_columns(LedgerTable& ledger, const LedgerColumns& columns) {
  const auto refuse = [&](const std::string& why) {
    return Error{ErrorKind::conflict,
                 "belay cannot keep the ledger '" + ledger.wanted + "': " + why,
                 "Leave `ledger:` out, so that belay keeps its own: docs/guide/migrations.md tells "
                 "how to begin it."};
  };
  if (columns.contains("dirty") || columns.contains("success") || columns.contains("is_applied"))
    return refuse("it is of another tool, which keeps more in it than names");
  ledger.name_column = first_of(columns, names);
  if (ledger.name_column.empty())
    return refuse("it has no column 'version', 'filename', 'name' or 'migration'");
  ledger.time_column = first_of(columns, times);
  ledger.digest_column = first_of(columns, digests);
  ledger.compatible_column = columns.contains("compatible") ? "compatible" : "";
  for (const auto& [name, is_wanted] : columns)
    if (is_wanted && name != ledger.name_column && name != ledger.time_column &&
        name != ledger.digest_column && name != ledger.compatible_column)
      return refuse("nobody knows what to write into its column '" + base::printable(name) + "'");
  return ok();
}

void take_form(LedgerTable& ledger) {
  if (ledger.lines.empty())
    return;
  const auto all = [&](auto is) {
    return std::ranges::all_of(ledger.lines,
                               [&](const migrations::Applied& line) { return is(line.name); });
  };
  if (all(is_number))
    ledger.form = NameForm::number;
  else if (!all([](const std::string& name) { return name.ends_with(".sql"); }))
    ledger.form = NameForm::stem;
}

} // namespace

std::string LedgerTable::quoted() const {
  std::vector<std::string> parts;
  for (const std::string& part : base::split(wanted, '.'))
    parts.push_back(ident(part));
  return base::join(parts, ".");
}

const migrations::Applied* LedgerTable::line_of(const std::string& file) const {
  const auto is_it = [&](const migrations::Applied& line) {
    return line.name == file || line.name == stem_of(file) ||
           (is_number(line.name) && leading_number(line.name) == leading_number(file));
  };
  const auto found = std::ranges::find_if(lines, is_it);
  return found == lines.end() ? nullptr : &*found;
}

std::string LedgerTable::name_for(const std::string& file) const {
  if (form == NameForm::stem)
    return stem_of(file);
  if (form == NameForm::file || leading_number(file).empty())
    return file;
  return file.substr(0, file.find_first_not_of("0123456789"));
}

Result<LedgerTable> read_own_ledger(const Psql& psql, const std::string& table) {
  LedgerTable ledger;
  ledger.wanted = table.empty() ? own_ledger_table : table;
  const std::string& database = psql.reach().spec().database;
  const std::string place = literal(ledger.quoted());
  LedgerColumns columns;
  for (const Row& row : TRY(psql.run(
           database, "RESET search_path;\nSELECT attname, attnotnull AND NOT atthasdef AND "
                     "attidentity = '' FROM pg_attribute WHERE attrelid = to_regclass(" +
                         place + ") AND attnum > 0 AND NOT attisdropped")))
    columns[row.at(0)] = row.at(1) == "t";
  ledger.exists = !columns.empty();
  if (!ledger.exists) {
    ledger.name_column = table.empty() ? "name" : "version";
    ledger.time_column = "applied_at";
    ledger.digest_column = "sha256";
    ledger.compatible_column = "compatible";
    return ledger;
  }
  TRY(take_columns(ledger, columns));
  const auto column = [](const std::string& name, const char* other) {
    return name.empty() ? other : ident(name) + "::text";
  };
  for (Row& row : TRY(psql.run(
           database,
           "RESET search_path;\nSET row_security = off;\nSELECT " + column(ledger.name_column, "") +
               ", " + column(ledger.digest_column, "''") + ", " +
               column(ledger.compatible_column, "''") + " FROM " + ledger.quoted() + " ORDER BY " +
               (ledger.time_column.empty() ? "1" : ident(ledger.time_column)) + ", 1"))) {
    ledger.lines.push_back({row.at(0), is_digest(row.at(1)) ? row.at(1) : ""});
    ledger.compatible.push_back(row.at(2) == "true");
  }
  take_form(ledger);
  return ledger;
}

std::string create_ledger(const LedgerTable& ledger) {
  return "CREATE TABLE " + ledger.quoted() + " (" + ident(ledger.name_column) +
         " text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL, compatible "
         "boolean NOT NULL);\n";
}

std::string insert_line(const LedgerTable& ledger, const std::string& place,
                        const std::string& file, const std::string& sha256, bool is_compatible) {
  std::vector<std::string> columns{ident(ledger.name_column)};
  std::vector<std::string> values{literal(ledger.name_for(file))};
  const auto add = [&](const std::string& column, std::string value) {
    if (column.empty())
      return;
    columns.push_back(ident(column));
    values.push_back(std::move(value));
  };
  add(ledger.time_column, "clock_timestamp()");
  add(ledger.digest_column, literal(sha256));
  add(ledger.compatible_column, is_compatible ? "true" : "false");
  return "INSERT INTO " + place + " (" + base::join(columns, ", ") + ") VALUES (" +
         base::join(values, ", ") + ");\n";
}

} // namespace drivers::postgres
