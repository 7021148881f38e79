#include "pgsql/tree.hpp"

#include "base/text.hpp"

#include <pg_query.h>

namespace pgsql {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

constexpr std::size_t depth_max = 4000;
// Of one statement; its tree needs a thousand times that.
constexpr std::size_t parsed_bytes_max = 512U << 10U;

const Json nothing;
const std::vector<Json> no_items;

} // namespace

Result<Json> parse(const Piece& piece) {
  if (piece.depth > depth_max)
    return Error{ErrorKind::invalid_input, "this statement is nested too deep to be read", ""};
  if (piece.sql.size() > parsed_bytes_max)
    return Error{ErrorKind::invalid_input, "this statement is too long to be read", ""};
  PgQueryParseResult result = pg_query_parse(piece.sql.c_str());
  struct Freed {
    PgQueryParseResult& result;
    ~Freed() { pg_query_free_parse_result(result); }
  } freed{result};
  if (result.error != nullptr)
    return Error{ErrorKind::invalid_input, result.error->message, ""};
  Json tree = Json::parse(result.parse_tree, nullptr, false);
  if (items(tree, "stmts").size() != 1)
    return Error{ErrorKind::invalid_input, "this is not one statement", ""};
  Json& statement = tree["stmts"].front();
  if (!statement.is_object())
    return Json{};
  return std::move(statement["stmt"]); // a copy would need a stack as deep as the statement
}

std::string_view kind_of(const Json& node) {
  return node.is_object() && node.size() == 1 ? std::string_view{node.begin().key()}
                                              : std::string_view{};
}

const Json& body_of(const Json& node) {
  return node.is_object() && node.size() == 1 ? *node.begin() : nothing;
}

const Json& part(const Json& body, const char* name) {
  if (!body.is_object())
    return nothing;
  const auto found = body.find(name);
  return found == body.end() ? nothing : *found;
}

std::string text(const Json& body, const char* name) {
  const Json& value = part(body, name);
  return value.is_string() ? value.get<std::string>() : std::string{};
}

bool is_set(const Json& body, const char* name) {
  const Json& value = part(body, name);
  return value.is_boolean() && value.get<bool>();
}

std::int64_t number(const Json& body, const char* name) {
  const Json& value = part(body, name);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

const std::vector<Json>& items(const Json& body, const char* name) {
  const Json& value = part(body, name);
  return value.is_array() ? value.get_ref<const Json::array_t&>() : no_items;
}

std::string relation_name(const Json& range) {
  const std::string schema = text(range, "schemaname");
  return (schema.empty() ? "" : schema + ".") + text(range, "relname");
}

std::string dotted_name(const std::vector<Json>& strings) {
  std::vector<std::string> parts;
  for (const Json& each : strings)
    parts.push_back(kind_of(each) == "String" ? text(body_of(each), "sval") : "*");
  return base::join(parts, ".");
}

std::string any_name(const Json& node) {
  const std::string_view kind = kind_of(node);
  const Json& body = body_of(node);
  if (kind == "String")
    return text(body, "sval");
  if (kind == "List")
    return dotted_name(items(body, "items"));
  if (kind == "RangeVar")
    return relation_name(body);
  if (kind == "TypeName")
    return type_name(body);
  if (kind == "ObjectWithArgs")
    return dotted_name(items(body, "objname"));
  return "";
}

std::string type_name(const Json& type) {
  std::string name = dotted_name(items(type, "names"));
  if (name.starts_with("pg_catalog."))
    name.erase(0, std::string_view{"pg_catalog."}.size());
  return name + (items(type, "arrayBounds").empty() ? "" : "[]");
}

} // namespace pgsql
