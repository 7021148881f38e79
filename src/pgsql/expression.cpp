#include "pgsql/expression.hpp"

#include <algorithm>
#include <array>

namespace pgsql {

namespace {

using Names = std::string_view;

// Built in, without a side effect, by their own names.
constexpr std::array harmless{
    Names{"abs"},
    Names{"array_agg"},
    Names{"array_length"},
    Names{"array_to_string"},
    Names{"avg"},
    Names{"bool_and"},
    Names{"bool_or"},
    Names{"btrim"},
    Names{"cardinality"},
    Names{"ceil"},
    Names{"char_length"},
    Names{"clock_timestamp"},
    Names{"concat"},
    Names{"concat_ws"},
    Names{"count"},
    Names{"current_database"},
    Names{"current_setting"},
    Names{"date_part"},
    Names{"date_trunc"},
    Names{"decode"},
    Names{"dense_rank"},
    Names{"encode"},
    Names{"extract"},
    Names{"floor"},
    Names{"format"},
    Names{"gen_random_uuid"},
    Names{"generate_series"},
    Names{"greatest"},
    Names{"initcap"},
    Names{"json_agg"},
    Names{"json_build_object"},
    Names{"jsonb_agg"},
    Names{"jsonb_array_elements"},
    Names{"jsonb_array_elements_text"},
    Names{"jsonb_array_length"},
    Names{"jsonb_build_array"},
    Names{"jsonb_build_object"},
    Names{"jsonb_object_agg"},
    Names{"jsonb_set"},
    Names{"jsonb_typeof"},
    Names{"lag"},
    Names{"lead"},
    Names{"left"},
    Names{"length"},
    Names{"lower"},
    Names{"lpad"},
    Names{"ltrim"},
    Names{"max"},
    Names{"md5"},
    Names{"min"},
    Names{"mod"},
    Names{"now"},
    Names{"nullif"},
    Names{"octet_length"},
    Names{"overlay"},
    Names{"percentile_cont"},
    Names{"position"},
    Names{"power"},
    Names{"random"},
    Names{"rank"},
    Names{"regexp_match"},
    Names{"regexp_replace"},
    Names{"regexp_split_to_array"},
    Names{"replace"},
    Names{"reverse"},
    Names{"right"},
    Names{"round"},
    Names{"row_number"},
    Names{"row_to_json"},
    Names{"rpad"},
    Names{"rtrim"},
    Names{"sha256"},
    Names{"split_part"},
    Names{"starts_with"},
    Names{"statement_timestamp"},
    Names{"strpos"},
    Names{"string_agg"},
    Names{"string_to_array"},
    Names{"substr"},
    Names{"substring"},
    Names{"sum"},
    Names{"timezone"},
    Names{"to_char"},
    Names{"to_date"},
    Names{"to_json"},
    Names{"to_jsonb"},
    Names{"to_number"},
    Names{"to_regclass"},
    Names{"to_timestamp"},
    Names{"to_tsvector"},
    Names{"transaction_timestamp"},
    Names{"translate"},
    Names{"trim"},
    Names{"trunc"},
    Names{"unnest"},
    Names{"upper"},
    Names{"uuid_generate_v4"},
    Names{"version"},
};

// And which no value makes fail.
constexpr std::array total{
    Names{"abs"},       Names{"btrim"},   Names{"char_length"},  Names{"concat"},
    Names{"concat_ws"}, Names{"initcap"}, Names{"jsonb_typeof"}, Names{"length"},
    Names{"lower"},     Names{"ltrim"},   Names{"md5"},          Names{"octet_length"},
    Names{"replace"},   Names{"reverse"}, Names{"rtrim"},        Names{"starts_with"},
    Names{"strpos"},    Names{"upper"},
};

constexpr std::array writing{Names{"InsertStmt"}, Names{"UpdateStmt"}, Names{"DeleteStmt"},
                             Names{"MergeStmt"}};

// Only of the schema that nobody shadows: without a schema, or pg_catalog.
template <class List>
bool is_among(const Json& call, const List& list) {
  const auto& names = items(call, "funcname");
  if (names.empty() || names.size() > 2 ||
      (names.size() == 2 && text(body_of(names.front()), "sval") != "pg_catalog"))
    return false;
  const std::string name = text(body_of(names.back()), "sval");
  return std::ranges::find(list, Names{name}) != list.end();
}

bool is_constant(const Json& node) {
  return kind_of(node) == "A_Const" ||
         (kind_of(node) == "TypeCast" && kind_of(part(body_of(node), "arg")) == "A_Const");
}

const Json& constant_of(const Json& node) {
  return kind_of(node) == "TypeCast" ? part(body_of(node), "arg") : node;
}

// The value of a constant, as it was written; null of anything else.
Json value_of(const Json& node) {
  if (!is_constant(node))
    return nullptr;
  Json value = body_of(constant_of(node));
  value.erase("location");
  return value;
}

bool is_column(const Json& node, const std::string& column) {
  if (kind_of(node) == "TypeCast")
    return is_column(part(body_of(node), "arg"), column);
  return kind_of(node) == "ColumnRef" && dotted_name(items(body_of(node), "fields")) == column;
}

constexpr std::array comparing{Names{"="},  Names{"<>"}, Names{"<"}, Names{">"},
                               Names{"<="}, Names{">="}, Names{"~"}, Names{"~*"}};

bool is_comparing(const Json& expression) {
  const auto& names = items(expression, "name");
  return names.size() == 1 &&
         std::ranges::find(comparing, Names{text(body_of(names[0]), "sval")}) != comparing.end();
}

} // namespace

bool calls_known_only(const Json& node) {
  bool is_good = true;
  each_node(node, [&](std::string_view kind, const Json& body) {
    if (kind == "FuncCall")
      is_good = is_good && is_among(body, harmless);
  });
  return is_good;
}

bool is_harmless(const Json& node) {
  bool is_good = calls_known_only(node);
  each_node(node, [&](std::string_view kind, const Json&) {
    if (std::ranges::find(writing, kind) != writing.end())
      is_good = false;
  });
  return is_good;
}

bool is_total(const Json& node) {
  bool is_good = true;
  each_node(node, [&](std::string_view kind, const Json& body) {
    if (kind == "FuncCall")
      is_good = is_good && is_among(body, total);
    else if (kind == "TypeCast")
      is_good = is_good && kind_of(part(body, "arg")) == "A_Const";
    else if (kind == "A_Expr")
      is_good = is_good && (is_comparing(body) || text(body, "kind") == "AEXPR_IN" ||
                            dotted_name(items(body, "name")) == "||" ||
                            dotted_name(items(body, "name")) == "->>" ||
                            dotted_name(items(body, "name")) == "->");
    else if (kind == "SubLink" || kind == "RangeVar")
      is_good = false;
  });
  return is_good;
}

bool is_null(const Json& expression) {
  return is_constant(expression) && is_set(body_of(constant_of(expression)), "isnull");
}

bool passes_null(const Json& expression, const std::string& column) {
  const Json& body = body_of(expression);
  if (kind_of(expression) == "BoolExpr") {
    const auto& all = items(body, "args");
    return text(body, "boolop") != "NOT_EXPR" &&
           std::ranges::all_of(all, [&](const Json& each) { return passes_null(each, column); });
  }
  if (kind_of(expression) != "A_Expr" || !is_column(part(body, "lexpr"), column))
    return false;
  if (text(body, "kind") == "AEXPR_IN") {
    const auto& list = items(body_of(part(body, "rexpr")), "items");
    return std::ranges::all_of(list, is_constant);
  }
  return text(body, "kind") == "AEXPR_OP" && is_comparing(body) && is_constant(part(body, "rexpr"));
}

bool is_listed(const Json& condition, const std::string& column, const Json& constant) {
  const Json& body = body_of(condition);
  if (kind_of(condition) != "A_Expr" || text(body, "kind") != "AEXPR_IN" ||
      dotted_name(items(body, "name")) != "=" || !is_column(part(body, "lexpr"), column))
    return false;
  const Json wanted = value_of(constant);
  const auto& list = items(body_of(part(body, "rexpr")), "items");
  return !wanted.is_null() &&
         std::ranges::any_of(list, [&](const Json& each) { return value_of(each) == wanted; });
}

bool takes_numbers(const Json& expression) {
  bool is_found = false;
  each_node(expression, [&](std::string_view kind, const Json& body) {
    if (kind == "FuncCall" && !items(body, "funcname").empty())
      is_found = is_found || text(body_of(items(body, "funcname").back()), "sval") == "nextval";
  });
  return is_found;
}

} // namespace pgsql
