// What takes away or changes what is there, but for tables: DROP, RENAME, ALTER, rights.

#include "base/text.hpp"
#include "pgsql/judge.hpp"

#include <algorithm>
#include <array>

namespace pgsql {

namespace {

struct Dropped {
  std::string_view type;
  std::string_view rule;
  std::string_view word;
};
constexpr std::array dropped{
    Dropped{"OBJECT_TABLE", "drop-table", "table"},
    Dropped{"OBJECT_FOREIGN_TABLE", "drop-table", "foreign table"},
    Dropped{"OBJECT_SCHEMA", "drop-object", "schema"},
    Dropped{"OBJECT_VIEW", "drop-view", "view"},
    Dropped{"OBJECT_MATVIEW", "drop-view", "materialized view"},
    Dropped{"OBJECT_SEQUENCE", "drop-object", "sequence"},
    Dropped{"OBJECT_INDEX", "drop-index", "index"},
    Dropped{"OBJECT_TRIGGER", "trigger", "trigger"},
    Dropped{"OBJECT_RULE", "trigger", "rule"},
    Dropped{"OBJECT_POLICY", "row-security", "policy"},
    Dropped{"OBJECT_STATISTIC_EXT", "upkeep", "statistics"},
    Dropped{"OBJECT_FUNCTION", "drop-object", "function"},
    Dropped{"OBJECT_PROCEDURE", "drop-object", "procedure"},
    Dropped{"OBJECT_ROUTINE", "drop-object", "routine"},
    Dropped{"OBJECT_TYPE", "drop-object", "type"},
    Dropped{"OBJECT_DOMAIN", "drop-object", "domain"},
    Dropped{"OBJECT_EXTENSION", "drop-object", "extension"},
    Dropped{"OBJECT_EVENT_TRIGGER", "alter-object", "event trigger"},
    Dropped{"OBJECT_PUBLICATION", "alter-object", "publication"},
};

bool is_on_table(std::string_view type) {
  return type == "OBJECT_TRIGGER" || type == "OBJECT_RULE" || type == "OBJECT_POLICY";
}

std::string word_of(std::string_view type) {
  std::string word{type.starts_with("OBJECT_") ? type.substr(7) : type};
  std::ranges::transform(word, word.begin(), [](char c) {
    return c == '_' ? ' ' : c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
  });
  return word;
}

} // namespace

void Judge::drop(const Json& body) {
  const std::string type = text(body, "removeType");
  const bool is_concurrent = is_set(body, "concurrent");
  const bool may_miss = is_set(body, "missing_ok");
  for (const Json& each : items(body, "objects")) {
    const std::string name = any_name(each);
    const bool is_relation = type == "OBJECT_TABLE" || type == "OBJECT_VIEW" ||
                             type == "OBJECT_INDEX" || type == "OBJECT_SEQUENCE" ||
                             type == "OBJECT_MATVIEW" || type == "OBJECT_FOREIGN_TABLE";
    if (is_relation && may_miss && !is_new(name) && known_.catalog_.is_known &&
        !known_.catalog_.relations.contains(last_of(name))) {
      say("no-effect", "drops " + name + ", which is not there");
      continue;
    }
    // CASCADE takes along what nobody names.
    if (text(body, "behavior") == "DROP_CASCADE" && is_new(name))
      say("drop-object", "drops " + name + " and all that depends on it");
    else
      drop_one(type, name, is_concurrent);
  }
  if (!is_concurrent)
    return;
  out_.manner = Manner::alone;
  if (may_miss)
    return;
  out_.manner = Manner::refused;
  out_.refusal = "DROP INDEX CONCURRENTLY is no part of a transaction, so it may be run again when "
                 "it was interrupted: write IF EXISTS";
}

void Judge::drop_one(std::string_view type, const std::string& name, bool is_concurrent) {
  const auto* const found = std::ranges::find(dropped, type, &Dropped::type);
  const std::string does = "drops " +
                           (found == dropped.end() ? word_of(type) : std::string{found->word}) +
                           " " + name + (is_concurrent ? " concurrently" : "");
  const auto dot = name.rfind('.');
  const bool is_own = is_on_table(type)
                          ? dot != std::string::npos && is_new(name.substr(0, dot))
                          : is_new(name) || known_.types_.contains(name) ||
                                known_.functions_.contains(name) || known_.schemas_.contains(name);
  if (!is_on_table(type)) {
    known_.relations_.erase(name);
    known_.types_.erase(name);
    known_.schemas_.erase(name);
  }
  if (is_own)
    return say("own-object", does);
  say(found == dropped.end() ? "alter-object" : found->rule, does);
}

void Judge::rename(const Json& body) {
  const std::string type = text(body, "renameType");
  const Json& range = part(body, "relation");
  std::string name = relation_name(range);
  if (name.empty())
    name = any_name(part(body, "object"));
  const std::string sub = text(body, "subname");
  const std::string to = text(body, "newname");
  const std::string does = "renames " + word_of(type) + " " + name +
                           (sub.empty() ? "" : (name.empty() ? "" : ".") + sub) + " to " + to;
  if (is_new(name) || known_.types_.contains(name)) {
    const auto dot = name.rfind('.');
    const std::string schema = dot == std::string::npos ? "" : name.substr(0, dot + 1);
    if (sub.empty() && known_.relations_.erase(name) > 0)
      known_.relations_.insert(schema + to);
    return say("own-object", does);
  }
  if (type == "OBJECT_COLUMN" && known_.columns_.contains(name + "." + sub)) {
    auto node = known_.columns_.extract(name + "." + sub);
    node.key() = name + "." + to;
    known_.columns_.insert(std::move(node));
    return say("own-object", does);
  }
  const bool is_named =
      type == "OBJECT_TABLE" || type == "OBJECT_COLUMN" || type == "OBJECT_VIEW" ||
      type == "OBJECT_MATVIEW" || type == "OBJECT_SCHEMA" || type == "OBJECT_FUNCTION" ||
      type == "OBJECT_PROCEDURE" || type == "OBJECT_SEQUENCE" || type == "OBJECT_TYPE" ||
      type == "OBJECT_ROLE" || type == "OBJECT_FOREIGN_TABLE";
  if (type == "OBJECT_DATABASE")
    return refuse("renaming a database would take it away from belay itself", does);
  say(is_named ? "rename" : "rename-quiet", does);
}

void Judge::set_schema(const Json& body) {
  const Json& range = part(body, "relation");
  std::string name = relation_name(range);
  if (name.empty())
    name = any_name(part(body, "object"));
  const std::string does = "moves " + name + " to schema " + text(body, "newschema");
  if (!is_new(name))
    return say("move-schema", does);
  known_.relations_.erase(name);
  known_.relations_.insert(text(body, "newschema") + "." + last_of(name));
  say("own-object", does);
}

void Judge::alter_owner(const Json& body) {
  std::string name = relation_name(part(body, "relation"));
  if (name.empty())
    name = any_name(part(body, "object"));
  const bool is_own = is_new(name) || known_.types_.contains(name) ||
                      known_.functions_.contains(name) || known_.schemas_.contains(name);
  say(is_own ? "own-object" : "owner", "gives " + name + " to another owner");
}

void Judge::alter_enum(const Json& body) {
  const std::string name = dotted_name(items(body, "typeName"));
  const std::string label = text(body, "newVal");
  const std::string old = text(body, "oldVal");
  const std::string does = old.empty() ? "adds '" + label + "' to enum " + name
                                       : "renames '" + old + "' of enum " + name;
  if (known_.types_.contains(name))
    return say("own-object", does);
  if (old.empty())
    out_.adds_label = label;
  say(old.empty() ? "enum-value" : "rename-value", does);
}

void Judge::alter_sequence(const Json& body) {
  const Json& range = part(body, "sequence");
  const std::string does = "changes sequence " + relation_name(range);
  const auto& options = items(body, "options");
  const bool is_owned = !options.empty() && std::ranges::all_of(options, [](const Json& each) {
    return text(body_of(each), "defname") == "owned_by";
  });
  say(is_new(range) ? "own-object" : is_owned ? "upkeep" : "sequence", does);
}

void Judge::alter_domain(const Json& body) {
  say("constraint", "changes domain " + dotted_name(items(body, "typeName")));
}

void Judge::alter_other(const Json& /*body*/) {
  say("alter-object", "changes or removes something (" + std::string{kind_} + ")");
}

void Judge::comment(const Json& body) {
  std::string name = any_name(part(body, "object"));
  say("comment", "comments on " + (name.empty() ? "something" : name));
}

void Judge::grant(const Json& body) {
  say(is_set(body, "is_grant") ? "grant" : "revoke",
      is_set(body, "is_grant") ? "grants rights" : "takes rights away");
}

void Judge::grant_role(const Json& body) {
  grant(body);
}

void Judge::default_privileges(const Json& body) {
  grant(part(body, "action"));
}

// Roles belong to the server: they stay when the database goes back.
void Judge::role(const Json& body) {
  const std::string name = text(body, "role");
  if (kind_ == "CreateRoleStmt")
    return say("grant", "creates role " + name);
  say("role", "changes or drops a role");
}

} // namespace pgsql
