// Rows, settings, upkeep, and what is not for a migration.

#include "base/text.hpp"
#include "pgsql/expression.hpp"
#include "pgsql/judge.hpp"

#include <algorithm>
#include <array>

namespace pgsql {

namespace {

// Settings that change neither what a name means nor what is written.
constexpr std::array<std::string_view, 16> quiet{"lock_timeout",
                                                 "statement_timeout",
                                                 "idle_in_transaction_session_timeout",
                                                 "client_min_messages",
                                                 "work_mem",
                                                 "maintenance_work_mem",
                                                 "synchronous_commit",
                                                 "application_name",
                                                 "log_statement",
                                                 "log_min_duration_statement",
                                                 "max_parallel_workers_per_gather",
                                                 "max_parallel_maintenance_workers",
                                                 "jit",
                                                 "temp_buffers",
                                                 "log_min_messages",
                                                 "transaction_timeout"};
// And how the text of this file is read: our scanner took it as PostgreSQL does by default.
constexpr std::array<std::string_view, 3> reading{"standard_conforming_strings", "client_encoding",
                                                  "backslash_quote"};

constexpr const char* not_for_a_migration =
    " is not for a migration: each file is one transaction already";

bool has_option(const Json& body, const char* list, std::string_view name) {
  const auto& options = items(body, list);
  return std::ranges::any_of(
      options, [&](const Json& each) { return text(body_of(each), "defname") == name; });
}

std::vector<std::string> written_columns(const Json& body) {
  std::vector<std::string> names;
  for (const Json& each : items(body, "targetList"))
    names.push_back(text(body_of(each), "name"));
  return names;
}

} // namespace

// `does` to rows of the table that was there, or to rows that these files have made.
void Judge::changes(const Json& body, const std::string& does) {
  const Json& range = part(body, "relation");
  const std::string name = relation_name(range);
  if (!calls_known_only(body))
    say("function-call", does + " " + name + " by a function of one's own");
  bool writes_more = false; // in a WITH
  each_node(part(body, "withClause"), [&](std::string_view kind, const Json& inner) {
    if (kind == "InsertStmt" || kind == "UpdateStmt" || kind == "DeleteStmt") {
      writes_more = true;
      say("data", "changes rows of " + relation_name(part(inner, "relation")));
    }
  });
  say(is_new(range) && !writes_more ? "own-object" : "data", does + " " + name);
}

void Judge::insert(const Json& body) {
  changes(body, "inserts rows into");
}

void Judge::update(const Json& body) {
  const std::string name = relation_name(part(body, "relation"));
  const auto columns = written_columns(body);
  const bool is_backfill =
      !columns.empty() && std::ranges::all_of(columns, [&](const std::string& column) {
        return known_.columns_.contains(name + "." + column);
      });
  if (is_backfill && !is_new(part(body, "relation")) && is_harmless(body))
    return say("backfill", "fills " + name + "." + base::join(columns, ", "));
  changes(body, "updates rows of");
}

void Judge::remove(const Json& body) {
  changes(body, "deletes rows of");
}

void Judge::merge(const Json& body) {
  changes(body, "merges rows into");
}

void Judge::truncate(const Json& body) {
  for (const Json& each : items(body, "relations"))
    say(is_new(body_of(each)) && text(body, "behavior") != "DROP_CASCADE" ? "own-object" : "data",
        "empties " + any_name(each));
}

void Judge::copy(const Json& body) {
  const std::string name = relation_name(part(body, "relation"));
  if (text(body, "filename").empty() && is_set(body, "is_from"))
    return refuse("COPY ... FROM STDIN reads rows from the program that sends the file: write them "
                  "as INSERT",
                  "copies rows into " + name);
  if (is_set(body, "is_program") || !is_set(body, "is_from"))
    return refuse("COPY " + std::string{is_set(body, "is_from") ? "FROM" : "TO"} +
                      " reaches out of the database: do it as a command",
                  "copies rows of " + name);
  say(is_new(part(body, "relation")) ? "own-object" : "data",
      "copies rows into " + name + " from a file of the server");
}

void Judge::select(const Json& body) {
  bool makes_table = false;
  const Json* side = &body; // INTO stands in the leftmost
  constexpr const char* left = "l"
                               "arg"; // as the grammar calls it
  while (part(*side, left).is_object())
    side = &part(*side, left);
  const Json& into = part(*side, "intoClause");
  if (into.is_object()) {
    makes_table = true;
    make_relation(part(into, "rel"), false);
  }
  each_node(body, [&](std::string_view kind, const Json& inner) {
    if (kind == "InsertStmt" || kind == "UpdateStmt" || kind == "DeleteStmt")
      changes(inner, "changes rows of");
  });
  if (!calls_known_only(body))
    say("function-call", "calls a function");
  if (out_.findings.empty())
    say(makes_table ? "new-object" : "no-effect",
        makes_table ? "creates table " + relation_name(part(into, "rel")) : "reads");
}

void Judge::set_variable(const Json& body) {
  if (kind_ == "ConstraintsSetStmt")
    return say("setting", "says when constraints are checked");
  const std::string name = text(body, "name");
  if (std::ranges::find(reading, name) != reading.end() ||
      (name.empty() && text(body, "kind") == "VAR_RESET_ALL"))
    return refuse("'" + (name.empty() ? "RESET ALL" : name) +
                      "' would change how the rest of the file is read",
                  "sets " + name);
  if (name == "TRANSACTION" || name == "SESSION CHARACTERISTICS" || name == "TRANSACTION SNAPSHOT")
    return refuse("SET " + name + not_for_a_migration, "sets " + name);
  out_.manner = is_set(body, "is_local") ? Manner::in_transaction : Manner::setting;
  if (std::ranges::find(quiet, name) != quiet.end())
    return say("setting", "sets " + name);
  // From here the names of before may mean other objects.
  if (name == "search_path" || name == "role" || name == "session_authorization") {
    known_.relations_.clear();
    known_.types_.clear();
    known_.functions_.clear();
    known_.columns_.clear();
  }
  say("session", "sets " + (name.empty() ? "a setting" : name));
}

void Judge::transaction(const Json& body) {
  const std::string kind = text(body, "kind");
  const bool is_plain = items(body, "options").empty() && !is_set(body, "chain");
  if ((kind == "TRANS_STMT_BEGIN" || kind == "TRANS_STMT_START") && is_plain) {
    out_.manner = Manner::begin;
    return say("setting", "begins a transaction");
  }
  if (kind == "TRANS_STMT_COMMIT" && is_plain) {
    out_.manner = Manner::commit;
    return say("setting", "ends the transaction");
  }
  constexpr std::array<std::pair<std::string_view, std::string_view>, 10> words{{
      {"TRANS_STMT_BEGIN", "BEGIN with options"},
      {"TRANS_STMT_START", "START TRANSACTION with options"},
      {"TRANS_STMT_COMMIT", "COMMIT AND CHAIN"},
      {"TRANS_STMT_ROLLBACK", "ROLLBACK"},
      {"TRANS_STMT_SAVEPOINT", "SAVEPOINT"},
      {"TRANS_STMT_RELEASE", "RELEASE"},
      {"TRANS_STMT_ROLLBACK_TO", "ROLLBACK TO"},
      {"TRANS_STMT_PREPARE", "PREPARE TRANSACTION"},
      {"TRANS_STMT_COMMIT_PREPARED", "COMMIT PREPARED"},
      {"TRANS_STMT_ROLLBACK_PREPARED", "ROLLBACK PREPARED"},
  }};
  const auto* const found =
      std::ranges::find(words, kind, &std::pair<std::string_view, std::string_view>::first);
  const std::string word{found == words.end() ? "this" : found->second};
  refuse(word + not_for_a_migration, "ends or parts the transaction");
}

void Judge::vacuum(const Json& body) {
  if (is_set(body, "is_vacuumcmd"))
    return alone("upkeep", "vacuums");
  say("upkeep", "analyzes");
}

void Judge::reindex(const Json& body) {
  const std::string kind = text(body, "kind");
  const std::string does =
      "builds indexes of " + relation_name(part(body, "relation")) + text(body, "name") + " again";
  if (has_option(body, "params", "concurrently"))
    return refuse("REINDEX CONCURRENTLY leaves indexes behind when it is interrupted: nothing runs "
                  "beside a migration, so leave CONCURRENTLY out",
                  does);
  if (kind == "REINDEX_OBJECT_INDEX" || kind == "REINDEX_OBJECT_TABLE")
    return say("upkeep", does);
  alone("upkeep", does);
}

void Judge::cluster(const Json& body) {
  if (part(body, "relation").is_null())
    return alone("upkeep", "clusters all tables");
  say("upkeep", "clusters " + relation_name(part(body, "relation")));
}

void Judge::refresh(const Json& body) {
  say("upkeep", "refreshes " + relation_name(part(body, "relation")));
}

void Judge::upkeep(const Json& /*body*/) {
  say("upkeep", "changes nothing that is kept (" + std::string{kind_} + ")");
}

void Judge::code(const Json& /*body*/) {
  say("code", kind_ == "DoStmt"     ? "runs a block of code (DO)"
              : kind_ == "CallStmt" ? "calls a procedure"
                                    : "runs a prepared statement");
}

void Judge::explain(const Json& body) {
  if (has_option(body, "options", "analyze"))
    return say("code", "runs a statement (EXPLAIN ANALYZE)");
  say("no-effect", "explains a statement");
}

void Judge::server(const Json& /*body*/) {
  refuse("this changes the server or the database as a whole, which a way back does not undo: do "
         "it as a command",
         "changes the server (" + std::string{kind_} + ")");
}

void Judge::subscription(const Json& /*body*/) {
  refuse(
      "a subscription reaches another server, which a way back does not undo: do it as a command",
      "changes a subscription");
}

} // namespace pgsql
