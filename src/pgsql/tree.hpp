#pragma once
// Tree: what PostgreSQL's grammar (version 15) reads in one statement, and ways to look into it.

#include "base/result.hpp"
#include "pgsql/script.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace pgsql {

using Json = nlohmann::json;

// One statement as { "AlterTableStmt": {...} }. invalid_input: what the grammar does not take.
base::Result<Json> parse(const Piece& piece);

// Of a node { "Kind": {...} }; "" and null of anything else.
std::string_view kind_of(const Json& node);
const Json& body_of(const Json& node);

// Members of a body; what is not there is null, empty, or false.
const Json& part(const Json& body, const char* name);
std::string text(const Json& body, const char* name);
bool is_set(const Json& body, const char* name);
std::int64_t number(const Json& body, const char* name);
const std::vector<Json>& items(const Json& body, const char* name);

// "orders", "shop.orders": of a RangeVar body, of a list of String nodes, of a node of either kind.
std::string relation_name(const Json& range);
std::string dotted_name(const std::vector<Json>& strings);
std::string any_name(const Json& node);
std::string type_name(const Json& type); // of a TypeName body: "text", "int4[]", "shop.mood"

// Every node below, this one too: `see` is asked once for each, in no order that matters.
template <class See>
void each_node(const Json& node, const See& see) {
  if (node.is_object() && node.size() == 1 && node.begin()->is_object())
    see(kind_of(node), body_of(node));
  if (node.is_structured())
    for (const Json& inner : node)
      each_node(inner, see);
}

} // namespace pgsql
