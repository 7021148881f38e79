// CREATE of all kinds.

#include "base/text.hpp"
#include "pgsql/expression.hpp"
#include "pgsql/judge.hpp"

#include <algorithm>

namespace pgsql {

namespace {

std::string names_of(const std::vector<Json>& all) {
  std::vector<std::string> names;
  for (const Json& each : all)
    names.push_back(any_name(each));
  return base::join(names, ", ");
}

bool has_default_argument(const Json& body) {
  const auto& all = items(body, "parameters");
  return std::ranges::any_of(all, [](const Json& each) {
    return !part(body_of(each), "defexpr").is_null() ||
           text(body_of(each), "mode") == "FUNC_PARAM_VARIADIC";
  });
}

} // namespace

// A foreign key to a table that was there: its rows may no longer go, nor be truncated at all.
void Judge::keys_of(const std::string& table, const Json& constraint) {
  const Json& to = part(constraint, "pktable");
  if (!is_new(to) && relation_name(to) != table)
    say("foreign-key", "makes rows of " + relation_name(to) + " wanted by " + table);
}

void Judge::create_table(const Json& body) {
  const Json& range = part(body, "relation");
  const std::string name = relation_name(range);
  make_relation(range, is_set(body, "if_not_exists"));
  if (text(range, "relpersistence") == "t")
    return say("own-object", "creates the temporary table " + name);
  say("new-object", "creates table " + name);
  bool has_constraint = false;
  for (const Json& each : items(body, "tableElts")) {
    const bool is_column = kind_of(each) == "ColumnDef";
    has_constraint = has_constraint || !is_column || !items(body_of(each), "constraints").empty();
    if (!is_column && text(body_of(each), "contype") == "CONSTR_FOREIGN")
      keys_of(name, body_of(each));
    for (const Json& inner : items(body_of(each), "constraints"))
      if (text(body_of(inner), "contype") == "CONSTR_FOREIGN")
        keys_of(name, body_of(inner));
  }
  const bool is_partition = !part(body, "partbound").is_null();
  for (const Json& parent : items(body, "inhRelations"))
    if (!is_new(body_of(parent))) {
      if (!is_partition)
        say("inherits", "makes it a child of " + any_name(parent));
      else
        say(has_constraint ? "partition" : "new-partition",
            "makes it a partition of " + any_name(parent));
    }
}

void Judge::create_table_as(const Json& body) {
  const Json& into = part(body, "into");
  const std::string name = relation_name(part(into, "rel"));
  const bool is_view = text(body, "objtype") == "OBJECT_MATVIEW";
  make_relation(part(into, "rel"), is_set(body, "if_not_exists"));
  if (!is_harmless(part(body, "query")) || kind_of(part(body, "query")) == "ExecuteStmt")
    return say("function-call", "creates " + name + " by a query with a function of one's own");
  say("new-object", (is_view ? "creates materialized view " : "creates table ") + name);
}

void Judge::create_index(const Json& body) {
  const Json& range = part(body, "relation");
  table_ = relation_name(range);
  is_own_ = is_new(range);
  std::string name = text(body, "idxname");
  const std::string schema = text(range, "schemaname");
  const std::string does = "creates " +
                           std::string{is_set(body, "unique") ? "unique index " : "index "} +
                           (name.empty() ? "" : name + " ") + "on " + table_;
  if (is_set(body, "concurrent")) {
    out_.manner = Manner::alone;
    if (name.empty() || !is_set(body, "if_not_exists")) {
      out_.manner = Manner::refused;
      out_.refusal =
          "CREATE INDEX CONCURRENTLY is no part of a transaction, so it may be run again "
          "when it was interrupted: give it a name and IF NOT EXISTS";
    }
    Json index{{"relname", name}};
    if (!schema.empty())
      index["schemaname"] = schema;
    out_.makes_index = quoted_name(index);
  }
  if (!name.empty())
    make((schema.empty() ? "" : schema + ".") + name, is_set(body, "if_not_exists"));
  if (is_own_)
    return say("own-object", does);
  const Json& condition = part(body, "whereClause");
  std::vector<Json> columns;
  bool is_total_key = condition.is_null() || is_total(condition);
  for (const Json& each : items(body, "indexParams")) {
    const Json& expression = part(body_of(each), "expr");
    is_total_key = is_total_key && (expression.is_null() || is_total(expression));
    if (expression.is_null())
      columns.push_back(Json{{"String", {{"sval", text(body_of(each), "name")}}}});
  }
  if (is_set(body, "unique") &&
      (is_set(body, "nulls_not_distinct") || !are_new_columns(columns, false)))
    return say("unique-index", does);
  say(is_total_key ? "new-index" : "index-expression", does);
}

void Judge::create_view(const Json& body) {
  const Json& range = part(body, "view");
  const std::string name = relation_name(range);
  if (!is_set(body, "replace") || is_new(range) ||
      (known_.catalog_.is_known && !known_.catalog_.relations.contains(last_of(name)))) {
    say(is_new(range) ? "own-object" : "new-object", "creates view " + name);
    return make_relation(range, false);
  }
  say("replace-view", "creates or replaces view " + name);
}

void Judge::create_sequence(const Json& body) {
  make_relation(part(body, "sequence"), is_set(body, "if_not_exists"));
  say("new-object", "creates sequence " + relation_name(part(body, "sequence")));
}

void Judge::create_schema(const Json& body) {
  const std::string name = text(body, "schemaname");
  if (!is_set(body, "if_not_exists") && !name.empty())
    known_.schemas_.insert(name);
  if (!items(body, "schemaElts").empty())
    return say("not-judged", "creates schema " + name + " and what is in it");
  say("new-object", "creates schema " + name);
}

void Judge::create_function(const Json& body) {
  const std::string name = dotted_name(items(body, "funcname"));
  const std::string what = (is_set(body, "is_procedure") ? "procedure " : "function ") + name;
  if (known_.functions_.contains(name))
    return say("own-object", "creates " + what);
  if (is_new_function(name)) {
    known_.functions_.insert(name);
    return say("new-object", "creates " + what);
  }
  // A trigger function is called by no statement, so one more is in nobody's way.
  const bool is_trigger = type_name(part(body, "returnType")) == "trigger";
  if (is_set(body, "replace"))
    return say("replace-function", "creates or replaces " + what);
  say(is_trigger && !has_default_argument(body) ? "new-object" : "overload", "creates " + what);
}

void Judge::create_trigger(const Json& body) {
  const Json& range = part(body, "relation");
  say(is_new(range) ? "own-object" : "trigger",
      "creates trigger " + text(body, "trigname") + " on " + relation_name(range));
}

void Judge::create_rule(const Json& body) {
  const Json& range = part(body, "relation");
  say(is_new(range) ? "own-object" : "trigger",
      "creates rule " + text(body, "rulename") + " on " + relation_name(range));
}

void Judge::create_policy(const Json& body) {
  const Json& range = part(body, "table");
  say(is_new(range) ? "own-object" : "row-security",
      "creates policy " + text(body, "policy_name") + " on " + relation_name(range));
}

void Judge::create_type(const Json& body) {
  const std::string name = dotted_name(items(body, "typeName"));
  known_.types_.insert(name); // neither an enum nor a range forbids NULL
  say("new-object", "creates type " + name);
}

void Judge::create_domain(const Json& body) {
  say("new-object", "creates domain " + dotted_name(items(body, "domainname")));
}

void Judge::create_extension(const Json& body) {
  say("new-object", "creates extension " + text(body, "extname"));
}

void Judge::create_publication(const Json& body) {
  say("publication", "publishes changes as " + text(body, "pubname"));
}

// Of their names nothing is remembered: what is done to them later is judged as if they were old.
void Judge::create_other(const Json& body) {
  std::string name = relation_name(part(part(body, "base"), "relation"));
  for (const char* key : {"typevar"})
    if (part(body, key).is_object()) {
      name = relation_name(part(body, key));
      known_.types_.insert(name);
    }
  for (const char* key : {"fdwname", "servername", "amname", "plname", "statsname"})
    if (!text(body, key).empty())
      name = text(body, key);
  if (name.empty())
    name = names_of(items(body, "defnames"));
  say("new-object", "creates " + (name.empty() ? "an object" : name));
}

void Judge::define(const Json& body) {
  const std::string kind = text(body, "kind");
  const std::string name = dotted_name(items(body, "defnames"));
  // One more aggregate or operator of the same name takes calls that meant another.
  if (kind == "OBJECT_AGGREGATE" || kind == "OBJECT_OPERATOR")
    return say("overload", "creates " + name);
  say("new-object", "creates " + name);
}

} // namespace pgsql
