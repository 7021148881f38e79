// ALTER TABLE, and what it does to columns and constraints.

#include "pgsql/expression.hpp"
#include "pgsql/judge.hpp"

#include <algorithm>
#include <array>

namespace pgsql {

namespace {

struct Plain {
  std::string_view subtype;
  std::string_view rule;
  std::string_view does;
};
// What needs no look at its parts.
constexpr std::array plain{
    Plain{"AT_SetStatistics", "upkeep", "sets statistics of"},
    Plain{"AT_SetOptions", "upkeep", "sets column options of"},
    Plain{"AT_ResetOptions", "upkeep", "resets column options of"},
    Plain{"AT_SetStorage", "upkeep", "sets storage of"},
    Plain{"AT_SetCompression", "upkeep", "sets compression of"},
    Plain{"AT_ClusterOn", "upkeep", "sets the index to cluster on of"},
    Plain{"AT_DropCluster", "upkeep", "drops the index to cluster on of"},
    Plain{"AT_SetLogged", "upkeep", "makes logged"},
    Plain{"AT_SetAccessMethod", "upkeep", "sets the access method of"},
    Plain{"AT_SetTableSpace", "upkeep", "moves to another tablespace"},
    Plain{"AT_SetRelOptions", "upkeep", "sets storage parameters of"},
    Plain{"AT_ResetRelOptions", "upkeep", "resets storage parameters of"},
    Plain{"AT_ReplicaIdentity", "upkeep", "sets the replica identity of"},
    Plain{"AT_ValidateConstraint", "validate", "validates a constraint of"},
    Plain{"AT_DropNotNull", "drop-not-null", "lets be NULL"},
    Plain{"AT_DropExpression", "alter-object", "stops computing"},
    Plain{"AT_AddIdentity", "alter-object", "numbers by itself"},
    Plain{"AT_SetIdentity", "alter-object", "changes the numbering of"},
    Plain{"AT_DropIdentity", "drop-default-required", "stops numbering"},
    Plain{"AT_DropConstraint", "drop-constraint", "drops a constraint of"},
    Plain{"AT_AlterConstraint", "constraint", "changes a constraint of"},
    Plain{"AT_ChangeOwner", "owner", "gives to another owner"},
    Plain{"AT_EnableRowSecurity", "row-security", "enables row security on"},
    Plain{"AT_ForceRowSecurity", "row-security", "forces row security on"},
    Plain{"AT_DisableRowSecurity", "row-security", "disables row security on"},
    Plain{"AT_NoForceRowSecurity", "row-security", "no more forces row security on"},
    Plain{"AT_AddInherit", "inherits", "makes a child"},
    Plain{"AT_DropInherit", "partition", "parts from its parent"},
};

// Types of PostgreSQL and of its usual extensions: none of them forbids NULL.
constexpr std::array<std::string_view, 58> types{
    "int2",     "int4",     "int8",      "float4",      "float8",         "numeric",
    "bool",     "text",     "varchar",   "bpchar",      "char",           "name",
    "bytea",    "date",     "time",      "timetz",      "timestamp",      "timestamptz",
    "interval", "json",     "jsonb",     "uuid",        "inet",           "cidr",
    "macaddr",  "macaddr8", "point",     "line",        "lseg",           "box",
    "path",     "polygon",  "circle",    "tsvector",    "tsquery",        "xml",
    "money",    "bit",      "varbit",    "oid",         "int4range",      "int8range",
    "numrange", "tsrange",  "tstzrange", "daterange",   "int4multirange", "pg_lsn",
    "citext",   "hstore",   "ltree",     "vector",      "geometry",       "geography",
    "regclass", "xid",      "jsonpath",  "tsmultirange"};

bool is_numbered(const std::string& type) {
  constexpr std::array<std::string_view, 6> serials{"serial",  "bigserial", "smallserial",
                                                    "serial4", "serial8",   "serial2"};
  return std::ranges::find(serials, type) != serials.end();
}

const Json* constraint_of(const Json& column, std::string_view type) {
  for (const Json& each : items(column, "constraints"))
    if (text(body_of(each), "contype") == type)
      return &body_of(each);
  return nullptr;
}

// Its DEFAULT, if that is something.
const Json* default_of(const Json& column) {
  const Json* by_default = constraint_of(column, "CONSTR_DEFAULT");
  if (by_default == nullptr || is_null(part(*by_default, "raw_expr")))
    return nullptr;
  return &part(*by_default, "raw_expr");
}

} // namespace

void Judge::alter_table(const Json& body) {
  const Json& range = part(body, "relation");
  table_ = relation_name(range);
  is_own_ = is_new(range) || known_.types_.contains(table_);
  const std::string type = text(body, "objtype");
  if (is_own_) {
    for (const Json& each : items(body, "cmds"))
      if (text(body_of(each), "subtype") == "AT_AddColumn")
        add_column(body_of(part(body_of(each), "def")), is_set(body_of(each), "missing_ok"));
      else
        alter_one(body_of(each));
    return;
  }
  if (type == "OBJECT_TYPE")
    return say("alter-object", "changes type " + table_);
  if (type == "OBJECT_VIEW" || type == "OBJECT_MATVIEW")
    return say("replace-view", "changes view " + table_);
  for (const Json& each : items(body, "cmds"))
    alter_one(body_of(each));
}

void Judge::alter_one(const Json& command) {
  const std::string subtype = text(command, "subtype");
  const std::string name = text(command, "name");
  const std::string what = table_ + (name.empty() ? "" : "." + name);
  if (subtype == "AT_AttachPartition" || subtype == "AT_DetachPartition" ||
      subtype == "AT_DetachPartitionFinalize")
    return partition(command, subtype == "AT_AttachPartition");
  if (subtype == "AT_AddConstraint")
    return add_constraint(body_of(part(command, "def")));
  if (is_own_ && subtype != "AT_AddInherit")
    return say("own-object", "changes " + what);
  if (is_own_ && is_new(body_of(part(command, "def"))))
    return say("own-object", "changes " + what);
  if (subtype == "AT_AddColumn")
    return add_column(body_of(part(command, "def")), is_set(command, "missing_ok"));
  if (subtype == "AT_ColumnDefault" || subtype == "AT_SetNotNull" || subtype == "AT_DropColumn" ||
      subtype == "AT_AlterColumnType")
    return change_column(command);
  if (subtype.contains("Trig") || subtype.contains("Rule"))
    return say("trigger", (subtype.starts_with("AT_Enable") ? "enables" : "disables") +
                              std::string{" a trigger or rule of "} + what);
  const auto* const found = std::ranges::find(plain, subtype, &Plain::subtype);
  if (found == plain.end())
    return say("not-judged", "changes " + what);
  say(found->rule, std::string{found->does} + " " + what);
}

void Judge::add_column(const Json& column, bool if_not_exists) {
  const std::string name = text(column, "colname");
  const std::string full = table_ + "." + name;
  const bool is_required = constraint_of(column, "CONSTR_NOTNULL") != nullptr ||
                           constraint_of(column, "CONSTR_PRIMARY") != nullptr;
  const bool has_default = default_of(column) != nullptr ||
                           constraint_of(column, "CONSTR_GENERATED") != nullptr ||
                           constraint_of(column, "CONSTR_IDENTITY") != nullptr ||
                           is_numbered(type_name(part(column, "typeName")));
  const bool may_be_there =
      if_not_exists &&
      (!known_.catalog_.is_known || known_.catalog_.columns.contains(last_of(table_) + "." + name));
  if (!may_be_there)
    known_.columns_[full] = {is_required, has_default,
                             constraint_of(column, "CONSTR_CHECK") != nullptr ||
                                 constraint_of(column, "CONSTR_UNIQUE") != nullptr ||
                                 constraint_of(column, "CONSTR_EXCLUSION") != nullptr};
  std::string does = "adds column " + full + " " + type_name(part(column, "typeName"));
  does += is_required ? (has_default ? ", NOT NULL with a default" : ", NOT NULL without a default")
                      : (has_default ? " with a default" : ", nullable");
  if (const Json* key = constraint_of(column, "CONSTR_FOREIGN"); key != nullptr)
    keys_of(table_, *key);
  say(is_own_ ? "own-object" : column_rule(column), std::move(does));
}

std::string_view Judge::column_rule(const Json& column) const {
  const Json* by_default = default_of(column);
  const std::string type = type_name(part(column, "typeName"));
  const bool is_identity = constraint_of(column, "CONSTR_IDENTITY") != nullptr;
  const bool is_key = constraint_of(column, "CONSTR_PRIMARY") != nullptr;
  if (const Json* computed = constraint_of(column, "CONSTR_GENERATED"); computed != nullptr)
    return is_total(part(*computed, "raw_expr")) && !is_key &&
                   constraint_of(column, "CONSTR_UNIQUE") == nullptr &&
                   constraint_of(column, "CONSTR_CHECK") == nullptr &&
                   constraint_of(column, "CONSTR_NOTNULL") == nullptr
               ? "new-column"
               : "column-computed";
  if (is_numbered(type) || (by_default != nullptr && takes_numbers(*by_default)))
    return "column-sequence";
  const bool is_required = is_key || constraint_of(column, "CONSTR_NOTNULL") != nullptr;
  if (is_required && by_default == nullptr && !is_identity)
    return "required-column";
  if ((constraint_of(column, "CONSTR_UNIQUE") != nullptr || is_key) && by_default != nullptr)
    return kind_of(*by_default) == "A_Const" ? "column-unique" : "column-checked";
  for (const Json& each : items(column, "constraints")) {
    const std::string contype = text(body_of(each), "contype");
    if (contype == "CONSTR_CHECK")
      if (const auto found = check_rule(column, part(body_of(each), "raw_expr"), by_default);
          !found.empty())
        return found;
    if (contype == "CONSTR_EXCLUSION")
      return "column-checked";
  }
  const std::string base = type.ends_with("[]") ? type.substr(0, type.size() - 2) : type;
  if (by_default == nullptr && std::ranges::find(types, base) == types.end() &&
      !known_.types_.contains(base))
    return "column-own-type";
  return "new-column";
}

// "" when a row that leaves the column out satisfies it.
std::string_view Judge::check_rule(const Json& column, const Json& condition,
                                   const Json* by_default) const {
  const std::string name = text(column, "colname");
  const bool is_good = by_default == nullptr ? passes_null(condition, name)
                                             : is_listed(condition, name, *by_default);
  return is_good ? "" : "column-checked";
}

void Judge::change_column(const Json& command) {
  const std::string subtype = text(command, "subtype");
  const std::string name = text(command, "name");
  const std::string full = table_ + "." + name;
  const auto own = known_.columns_.find(full);
  const bool is_mine = own != known_.columns_.end();
  if (subtype == "AT_SetNotNull")
    return set_not_null(full);
  if (subtype == "AT_ColumnDefault") {
    const Json& by_default = part(command, "def");
    if (by_default.is_null() || is_null(by_default))
      return drop_default(full);
    if (is_mine)
      own->second.has_default = true;
    if (is_mine && own->second.is_constrained)
      return say("column-checked", "sets the default of " + full);
    return say(takes_numbers(by_default) ? "column-sequence" : "set-default",
               "sets the default of " + full);
  }
  if (is_mine) {
    if (subtype == "AT_DropColumn")
      known_.columns_.erase(own);
    return say("own-object", "changes column " + full + ", which these files have added");
  }
  if (subtype == "AT_DropColumn")
    return say(is_set(command, "missing_ok") && known_.catalog_.is_known &&
                       !known_.catalog_.columns.contains(last_of(table_) + "." + name)
                   ? "no-effect"
                   : "drop-column",
               "drops column " + full);
  say("column-type", "changes the type of " + full + " to " +
                         type_name(part(body_of(part(command, "def")), "typeName")));
}

void Judge::set_not_null(const std::string& column) {
  const auto own = known_.columns_.find(column);
  if (own == known_.columns_.end())
    return say("set-not-null", "forbids NULL in " + column);
  own->second.is_required = true;
  say(own->second.has_default ? "own-object" : "required-column",
      "forbids NULL in the new column " + column);
}

void Judge::drop_default(const std::string& column) {
  const auto own = known_.columns_.find(column);
  if (own == known_.columns_.end())
    return say("drop-default", "drops the default of " + column);
  own->second.has_default = false;
  say(own->second.is_required ? "drop-default-required" : "own-object",
      "drops the default of the new column " + column);
}

void Judge::add_constraint(const Json& constraint) {
  const std::string type = text(constraint, "contype");
  const std::string name = text(constraint, "conname");
  const std::string named = (name.empty() ? "" : " " + name) + " to " + table_;
  if (type == "CONSTR_FOREIGN")
    keys_of(table_, constraint);
  if (is_own_ || (type == "CONSTR_FOREIGN" && are_new_columns(items(constraint, "fk_attrs"), true)))
    return say("own-object", "adds a constraint" + named);
  if (type == "CONSTR_FOREIGN")
    return say("foreign-key", "adds a foreign key" + named);
  // Every value of the columns is checked for each row, so one new column alone satisfies it.
  if (type == "CONSTR_CHECK")
    for (auto& [column, state] : known_.columns_)
      if (column.starts_with(table_ + ".") && !state.has_default &&
          passes_null(part(constraint, "raw_expr"), last_of(column))) {
        state.is_constrained = true;
        return say("own-object", "adds a check of the new column " + column);
      }
  if (type == "CONSTR_UNIQUE" && items(constraint, "keys").size() > 0 &&
      !is_set(constraint, "nulls_not_distinct") &&
      are_new_columns(items(constraint, "keys"), false))
    return say("own-object", "adds a unique constraint over a new column" + named);
  say("constraint", "adds a constraint" + named);
}

// Columns of the table that these files have added, and that are NULL when they are left out. They
// are then part of a constraint, and must get no default later.
bool Judge::are_new_columns(const std::vector<Json>& names, bool all) {
  std::vector<Classifier::NewColumn*> found;
  for (const Json& each : names)
    if (const auto own = known_.columns_.find(table_ + "." + any_name(each));
        own != known_.columns_.end() && !own->second.has_default)
      found.push_back(&own->second);
  for (Classifier::NewColumn* column : found)
    column->is_constrained = true;
  return all ? found.size() == names.size() && !found.empty() : !found.empty();
}

void Judge::partition(const Json& command, bool is_attached) {
  const Json& part_of = part(body_of(part(command, "def")), "name");
  const std::string what = relation_name(part_of);
  if (is_set(body_of(part(command, "def")), "concurrent") ||
      text(command, "subtype") == "AT_DetachPartitionFinalize")
    return refuse("DETACH ... CONCURRENTLY cannot be repeated when it is interrupted: nothing runs "
                  "beside a migration, so leave CONCURRENTLY out",
                  "detaches partition " + what);
  say(is_own_ && is_new(part_of) ? "own-object" : "partition",
      (is_attached ? "attaches " : "detaches ") + what + (is_attached ? " to " : " from ") +
          table_);
}

} // namespace pgsql
