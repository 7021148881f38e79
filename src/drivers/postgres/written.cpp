#include "drivers/postgres/written.hpp"

#include "base/text.hpp"
#include "drivers/postgres/tables.hpp"

#include <algorithm>

namespace drivers::postgres {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

struct Writings::Difference {
  std::string name;
  Table table; // with the columns that both have
  bool is_new = false;
  std::vector<std::string> added; // digests of keys; of whole rows where there is no key
  std::vector<std::string> changed;
  std::vector<std::string> removed;
};

namespace {

// Lines of a file, a piece of it at a time.
class Lines {
public:
  Lines(world::Files& files, std::string path) : files_{files}, path_{std::move(path)} {}
  // Nothing: the file has ended.
  Result<std::optional<std::string>> next() {
    for (;;) {
      if (const auto end = piece_.find('\n', at_); end != std::string::npos) {
        std::string line = piece_.substr(at_, end - at_);
        at_ = end + 1;
        return std::optional{std::move(line)};
      }
      std::string more = TRY(files_.read_range(path_, offset_, 1U << 20U));
      if (more.empty())
        return std::optional<std::string>{};
      offset_ += more.size();
      piece_ = piece_.substr(at_) + more;
      at_ = 0;
    }
  }

private:
  world::Files& files_;
  std::string path_;
  std::uint64_t offset_ = 0;
  std::string piece_;
  std::size_t at_ = 0;
};

// "digest of the key TAB digest of the row", sorted; without a key "digest of the row TAB count".
std::string lines_script(const std::string& name, const Table& table) {
  const std::string row = row_text(table.columns);
  const std::string from = " FROM ONLY " + name + " t ";
  if (table.key.empty())
    return "\\echo T\nCOPY (SELECT md5(" + row + "), count(*)" + from + "GROUP BY 1 ORDER BY md5(" +
           row + ") COLLATE \"C\") TO STDOUT;\n";
  return "\\echo T\nCOPY (SELECT md5(" + row_text(table.key) + "), hashtextextended(" + row +
         ", 0)" + from + "ORDER BY md5(" + row_text(table.key) + ") COLLATE \"C\") TO STDOUT;\n";
}

struct Line {
  std::string key;
  std::string rest;
};

// The lines of one table; ended by the next table's, or by the end of the file.
Result<std::optional<Line>> next_of_table(Lines& lines) {
  const auto line = TRY(lines.next());
  if (!line || *line == "T" || line->starts_with("-- belay-"))
    return std::optional<Line>{};
  const auto tab = line->find('\t');
  if (tab == std::string::npos)
    return Error{ErrorKind::failed, "PostgreSQL gave what is no line of a table", ""};
  return std::optional{Line{line->substr(0, tab), line->substr(tab + 1)}};
}

void add_times(std::vector<std::string>& all, const std::string& key, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i)
    all.push_back(key);
}

std::string keys_script(const std::vector<std::string>& keys, const char* how) {
  std::string lines;
  for (const std::string& key : keys)
    lines += key + "\t" + how + "\n";
  return lines;
}

std::string list_of(const std::vector<std::string>& columns) {
  return base::join(columns, ", ");
}

// SQL that makes the text of a value: 'NULL' or a literal.
std::string value_of(const std::string& column) {
  return "quote_nullable(t." + column + "::text)";
}

std::string inserts(const std::string& name, const Table& table) {
  std::string values;
  for (const std::string& column : table.columns)
    values += (values.empty() ? "" : " || ', ' || ") + value_of(column);
  return literal("INSERT INTO " + name + " (" + list_of(table.columns) +
                 ") OVERRIDING SYSTEM VALUE VALUES (") +
         " || " + values + " || ');'";
}

std::string where_key(const Table& table) {
  std::string text;
  for (const std::string& column : table.key)
    text += (text.empty() ? literal(" WHERE " + column + " = ")
                          : " || " + literal(" AND " + column + " = ")) +
            " || " + value_of(column);
  return text + " || ';'";
}

std::string updates(const std::string& name, const Table& table) {
  std::string sets;
  for (const std::string& column : table.columns)
    if (std::ranges::find(table.key, column) == table.key.end())
      sets += (sets.empty() ? literal("UPDATE " + name + " SET " + column + " = ")
                            : " || " + literal(", " + column + " = ")) +
              " || " + value_of(column);
  return sets.empty() ? "''" : sets + " || " + where_key(table);
}

// What this prints is SQL itself: as it is, one statement after the other.
constexpr const char* as_sql = "\\pset format unaligned\nSET default_transaction_read_only = off;\n"
                               "CREATE TEMP TABLE k(key text, how text);\n"
                               "\\echo '\\\\set ON_ERROR_STOP on'\n"
                               "\\echo 'SET TimeZone = ''UTC''; SET DateStyle = ''ISO, YMD''; SET "
                               "IntervalStyle = iso_8601; SET bytea_output = hex;'\n"
                               "\\echo 'BEGIN;'\n";

std::string with_keys(const std::string& lines) {
  return "TRUNCATE pg_temp.k;\nCOPY pg_temp.k FROM stdin;\n" + lines + "\\.\n";
}

constexpr const char* sequences_as_sql =
    "SELECT format('SELECT setval(%L, greatest(%s, (SELECT last_value FROM %s)));', "
    "quote_ident(schemaname) || '.' || quote_ident(sequencename), last_value, "
    "quote_ident(schemaname) || '.' || quote_ident(sequencename)) FROM pg_sequences WHERE "
    "last_value "
    "IS NOT NULL ORDER BY 1;\n";

} // namespace

std::uint64_t Written::rows() const {
  std::uint64_t all = 0;
  for (const TableWritten& table : tables)
    all += table.rows();
  return all;
}

std::string tell(const Written& written) {
  if (written.tables.empty())
    return "nothing";
  return base::plural(written.rows(), "row", "rows") + " in " +
         base::plural(written.tables.size(), "table", "tables");
}

namespace {

// Both ordered by key: what only one of them has, and what they have differently.
template <class Difference>
Result<> merge_table(Lines& before, Lines& after, Difference& table) {
  const bool has_key = !table.table.key.empty();
  auto a = TRY(next_of_table(before));
  auto b = TRY(next_of_table(after));
  while (a || b) {
    const int order = !a ? 1 : !b ? -1 : a->key.compare(b->key);
    if (order < 0)
      add_times(table.removed, a->key, has_key ? 1 : number_of(a->rest));
    else if (order > 0)
      add_times(table.added, b->key, has_key ? 1 : number_of(b->rest));
    else if (has_key && a->rest != b->rest)
      table.changed.push_back(a->key);
    else if (!has_key && number_of(a->rest) < number_of(b->rest))
      add_times(table.added, a->key, number_of(b->rest) - number_of(a->rest));
    else if (!has_key)
      add_times(table.removed, a->key, number_of(a->rest) - number_of(b->rest));
    if (order <= 0)
      a = TRY(next_of_table(before));
    if (order >= 0)
      b = TRY(next_of_table(after));
  }
  return ok();
}

// Behind the first "T" of a file.
Result<> skip_to_tables(Lines& lines) {
  for (;;) {
    const auto line = TRY(lines.next());
    if (!line || *line == "T")
      return ok();
  }
}

} // namespace

Result<> Writings::merge(std::vector<Difference>& all) {
  Lines before{world_.files, folder_ + "/before"};
  Lines after{world_.files, folder_ + "/after"};
  TRY(skip_to_tables(before));
  TRY(skip_to_tables(after));
  for (Difference& table : all)
    if (!table.is_new)
      TRY(merge_table(before, after, table));
  return ok();
}

Result<std::vector<Writings::Difference>> Writings::compare(const std::string& before,
                                                            const std::string& after,
                                                            std::vector<std::string>& notes) {
  TRY(world_.files.create_folders(folder_));
  auto compared = compare_in_folder(before, after, notes);
  TRY(world_.trees.remove(folder_));
  return compared;
}

Result<std::vector<Writings::Difference>>
Writings::compare_in_folder(const std::string& before, const std::string& after,
                            std::vector<std::string>& notes) {
  const Tables there = TRY(tables_of(server_.psql(), before));
  std::vector<Difference> all;
  std::string script = "SET row_security = off;\n";
  for (const auto& [name, table] : TRY(tables_of(server_.psql(), after))) {
    Difference one{.name = name, .table = table, .added = {}, .changed = {}, .removed = {}};
    const auto other = there.find(name);
    one.is_new = other == there.end();
    if (!one.is_new) {
      one.table.columns.clear();
      for (const std::string& column : table.columns)
        if (std::ranges::find(other->second.columns, column) != other->second.columns.end())
          one.table.columns.push_back(column);
        else
          notes.push_back("column " + name + "." + column + " is only there, and left out");
      if (other->second.key != table.key)
        one.table.key.clear();
      if (one.table.columns.empty())
        continue;
      script += lines_script(name, one.table);
    } else if (table.columns.empty()) {
      continue;
    }
    all.push_back(std::move(one));
  }
  for (const auto& [name, table] : there)
    if (std::ranges::find(all, name, &Difference::name) == all.end())
      notes.push_back("table " + name + " is no longer there");
  const RunOptions options{.timeout = server_.spec().timeout};
  TRY(server_.psql().write(before, script, folder_ + "/before", options));
  TRY(server_.psql().write(after, script, folder_ + "/after", options));
  TRY(merge(all));
  for (Difference& table : all)
    if (table.is_new)
      add_times(table.added, "",
                number_of(TRY(server_.psql().run(after,
                                                 "SET row_security = off;\nSELECT count(*) "
                                                 "FROM ONLY " +
                                                     table.name,
                                                 options))
                              .at(0)
                              .at(0)));
  std::ranges::stable_sort(all, {}, [](const Difference& each) { return each.table.depth; });
  return all;
}

namespace {

template <class Differences>
Written summed(const Differences& all, std::vector<std::string> notes) {
  Written written{.tables = {}, .notes = std::move(notes)};
  for (const auto& each : all)
    if (!each.added.empty() || !each.changed.empty() || !each.removed.empty())
      written.tables.push_back({.table = each.name,
                                .added = each.added.size(),
                                .changed = each.changed.size(),
                                .removed = each.removed.size(),
                                .has_key = !each.table.key.empty(),
                                .is_new = each.is_new});
  return written;
}

// Rows of which all columns make the key: as often as they were added.
std::string keyless_inserts(const std::string& name, const Table& table) {
  return "SELECT " + inserts(name, table) +
         " FROM (SELECT t.*, row_number() OVER (PARTITION BY md5(" + row_text(table.columns) +
         ")) AS belay_nth, md5(" + row_text(table.columns) + ") AS belay_key FROM ONLY " + name +
         " t) t JOIN (SELECT key, count(*) AS n FROM pg_temp.k GROUP BY 1) k ON k.key = "
         "t.belay_key AND t.belay_nth <= k.n;\n";
}

template <class Difference>
std::string written_script(const Difference& each) {
  const std::string& name = each.name;
  if (each.is_new || (each.added.empty() && each.changed.empty()))
    return "";
  std::string script = with_keys(keys_script(each.added, "a") + keys_script(each.changed, "c"));
  if (each.table.key.empty())
    return script + "\\echo '-- " + "without a primary key: whole rows'\n" +
           keyless_inserts(name, each.table);
  return script + "SELECT CASE k.how WHEN 'a' THEN " + inserts(name, each.table) + " ELSE " +
         updates(name, each.table) + " END FROM ONLY " + name +
         " t JOIN pg_temp.k ON k.key = md5(" + row_text(each.table.key) + ") ORDER BY k.how, " +
         row_text(each.table.key) + ";\n";
}

template <class Difference>
std::string removed_script(const Difference& each) {
  if (each.removed.empty() || each.table.key.empty())
    return "";
  return with_keys(keys_script(each.removed, "r")) + "SELECT " +
         literal("DELETE FROM " + each.name) + " || " + where_key(each.table) + " FROM ONLY " +
         each.name + " t JOIN pg_temp.k ON k.key = md5(" + row_text(each.table.key) + ");\n";
}

std::string summary_of(const Written& written) {
  std::string text = "written since the restore point: " + tell(written) + "\n\n";
  for (const TableWritten& table : written.tables)
    text +=
        table.table + ": " + std::to_string(table.added) + " added, " +
        std::to_string(table.changed) + " changed, " + std::to_string(table.removed) + " removed" +
        (table.is_new     ? " (a table that the live database does not have: new-tables.sql)"
         : !table.has_key ? " (without a primary key: whole rows; removed ones are not in the SQL)"
                          : "") +
        "\n";
  for (const std::string& note : written.notes)
    text += note + "\n";
  return text + "\nTo replay it: psql -d DATABASE -f written.sql, then -f removed.sql. Each is one "
                "transaction, and stops at the first row that is in the way.\n";
}

} // namespace

Result<Written> Writings::count(const std::string& before, const std::string& after) {
  std::vector<std::string> notes;
  const auto all = TRY(compare(before, after, notes));
  return summed(all, std::move(notes));
}

Result<Written> Writings::write(const std::string& before, const std::string& after,
                                const std::string& into) {
  std::vector<std::string> notes;
  const auto all = TRY(compare(before, after, notes));
  TRY(world_.files.create_folders(into));
  std::string written{as_sql};
  std::string news{as_sql};
  std::string removed{as_sql};
  for (const Difference& each : all) {
    written += written_script(each);
    if (each.is_new && !each.added.empty())
      news += "SELECT " + inserts(each.name, each.table) + " FROM ONLY " + each.name + " t;\n";
  }
  for (auto each = all.rbegin(); each != all.rend(); ++each)
    removed += removed_script(*each);
  const RunOptions options{.timeout = server_.spec().timeout};
  const std::string end = "\\echo 'COMMIT;'\n";
  TRY(server_.psql().write(after, written + sequences_as_sql + end, into + "/written.sql",
                           options));
  TRY(server_.psql().write(after, news + end, into + "/new-tables.sql", options));
  TRY(server_.psql().write(before, removed + end, into + "/removed.sql", options));
  const Written done = summed(all, std::move(notes));
  TRY(world_.files.replace(into + "/summary.txt", summary_of(done)));
  return done;
}

} // namespace drivers::postgres
