#include "base/text.hpp"
#include "sim/sim_world.hpp"

#include <algorithm>

namespace sim {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

// The words of each "ledger NAME SHA" in a database.
std::vector<std::vector<std::string>> ledger_in(const std::string& content) {
  std::vector<std::vector<std::string>> lines;
  for (const std::string& line : base::split(content, '\n'))
    if (auto words = base::split(line, ' '); words.size() == 3 && words[0] == "ledger")
      lines.insert(lines.begin(), std::move(words)); // the newest stands first
  return lines;
}

} // namespace

// Asked for the schema, for the columns of all tables, for the names in the ledger, or for names
// and digests.
Result<std::vector<world::SqliteRow>>
SimSqlite::query(const std::string& path, const world::SqliteStatement& statement, std::size_t) {
  TRY(check(path));
  const std::string& content = host_.disk.find(path)->content;
  const auto ledger = ledger_in(content);
  std::vector<world::SqliteRow> rows;
  if (statement.sql.contains("PRAGMA user_version"))
    return std::vector<world::SqliteRow>{{"0"}};
  if (statement.sql.contains("coalesce(sql"))
    return std::vector<world::SqliteRow>{{content.substr(0, content.find('\n'))}};
  if (statement.sql.contains("sqlite_schema")) {
    if (!ledger.empty())
      rows = {{"belay_migrations", "name"}, {"belay_migrations", "sha256"}};
    return rows;
  }
  if (!statement.sql.contains("FROM belay_migrations"))
    return Error{ErrorKind::failed, "no such table", ""};
  for (const auto& words : ledger) {
    rows.push_back({words[1]});
    if (statement.sql.contains("sha256"))
      rows.back().push_back(words[2]);
  }
  return rows;
}

// "sim layout=N" changes the layout, "sim fail" fails; only then is anything written.
Result<> SimSqlite::change(const std::string& path,
                           const std::vector<world::SqliteStatement>& statements,
                           world::Milliseconds) {
  return host_.effect<void>(true, [&]() -> Result<> {
    Node* node = host_.disk.find(path);
    if (node == nullptr || !Host::is_database_file(node->content))
      return Error{ErrorKind::corrupt, "'" + path + "' is not a database", ""};
    std::string content = node->content;
    for (const auto& statement : statements) {
      if (statement.sql == "sim fail")
        return Error{ErrorKind::failed, statement.where + ": failed as told", ""};
      if (statement.sql.starts_with("sim layout="))
        content.replace(0, content.find('\n'), "sqlite " + statement.sql.substr(4));
      if (statement.values.size() >= 2)
        content.insert(content.find('\n') + 1,
                       "ledger " + statement.values[0] + " " + statement.values[1] + "\n");
    }
    node->content = content;
    return ok();
  });
}

} // namespace sim
