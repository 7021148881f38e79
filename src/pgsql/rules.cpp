#include "pgsql/rules.hpp"

#include "base/result.hpp"

#include <algorithm>
#include <array>

namespace pgsql {

namespace {

constexpr Kind additive = Kind::additive;
constexpr Kind compatible = Kind::compatible;
constexpr Kind data = Kind::data_changing;
constexpr Kind unknown = Kind::unknown;
constexpr Kind breaking = Kind::breaking;

constexpr std::array rules{
    Rule{"new-object", additive, false, "the release before does not know it"},
    Rule{"own-object", additive, false, "it changes only what these files have made"},
    Rule{"new-column", additive, false,
         "statements that name their columns leave it out, and it then has its default"},
    Rule{"new-index", additive, false, "an index that is not unique refuses no row"},
    Rule{"comment", additive, false, "it is for people"},

    Rule{"setting", compatible, false, "it holds for this file only"},
    Rule{"upkeep", compatible, false, "it changes how data is stored, not what it is"},
    Rule{"set-default", compatible, false, "only rows that leave the column out see it"},
    Rule{"validate", compatible, false, "the constraint held for new rows already"},
    Rule{"grant", compatible, false, "it only allows more"},
    Rule{"backfill", compatible, false, "it fills only columns that these files have added"},
    Rule{"no-effect", compatible, false, "it changes nothing"},
    Rule{"new-partition", compatible, false, "it only takes rows in"},

    Rule{"data", data, false,
         "the rows that the release before wrote are changed, and only a "
         "restore brings them back"},

    Rule{"not-parsed", unknown, false, "PostgreSQL's grammar (15) does not take it"},
    Rule{"code", unknown, false, "what it runs cannot be told from its text"},
    Rule{"function-call", unknown, false, "it calls a function that may change anything"},
    Rule{"not-judged", unknown, false, "no rule tells what it does to the release before"},
    Rule{"session", unknown, false, "it changes what the statements after it mean"},
    Rule{"outside", unknown, false, "it reaches beyond the data of this database"},

    Rule{"drop-table", breaking, true, "the release before reads or writes it, and its rows go"},
    Rule{"drop-column", breaking, true, "statements that name it fail, and its values go"},
    Rule{"drop-view", breaking, true, "statements that name it fail"},
    Rule{"drop-object", breaking, true, "what uses it fails"},
    Rule{"drop-index", breaking, false,
         "when it is unique, ON CONFLICT needs it, and duplicates come in"},
    Rule{"drop-constraint", breaking, false,
         "when it is unique, ON CONFLICT needs it; rows come in that the release before forbids"},
    Rule{"rename", breaking, true, "statements that use the old name fail"},
    Rule{"rename-quiet", breaking, false, "a statement that uses the old name fails"},
    Rule{"move-schema", breaking, true, "statements that use the old name fail"},
    Rule{"required-column", breaking, true, "every INSERT that does not name it fails"},
    Rule{"drop-default-required", breaking, true, "every INSERT that does not name it fails"},
    Rule{"set-not-null", breaking, false, "an INSERT that leaves it out, or writes NULL, fails"},
    Rule{"drop-not-null", breaking, false, "the release before may read NULL where it never was"},
    Rule{"drop-default", breaking, false, "an INSERT that leaves it out writes NULL, or fails"},
    Rule{"column-type", breaking, false,
         "values or statements of the release before may not fit the new type"},
    Rule{"column-checked", breaking, false,
         "an INSERT that leaves the new column out may not satisfy what is asked of it"},
    Rule{"column-unique", breaking, true, "the second INSERT that leaves it out fails"},
    Rule{"column-computed", breaking, false, "computing it may fail for a row that was good"},
    Rule{"column-sequence", breaking, false,
         "who INSERTs needs rights on its sequence, which the release before may not have"},
    Rule{"column-own-type", breaking, false, "its type may forbid NULL"},
    Rule{"column-generated", breaking, true, "a statement that writes the column fails"},
    Rule{"foreign-key", breaking, false, "a DELETE or TRUNCATE there, or an INSERT here, may fail"},
    Rule{"constraint", breaking, false, "writes that it forbids fail"},
    Rule{"unique-index", breaking, false, "a second row with the same value fails"},
    Rule{"index-expression", breaking, false, "computing it may fail for a row that was good"},
    Rule{"trigger", breaking, false, "writes of the release before do something else, or fail"},
    Rule{"row-security", breaking, false, "rows may be hidden from the release before"},
    Rule{"enum-value", breaking, false,
         "the release before may read a label that it does not know"},
    Rule{"rename-value", breaking, true, "statements that use the old label fail"},
    Rule{"replace-view", breaking, false, "it may show other rows or columns"},
    Rule{"replace-function", breaking, false,
         "the release before calls it, and it does something "
         "else"},
    Rule{"overload", breaking, false,
         "when a function has this name already, calls may become ambiguous or mean this one"},
    Rule{"partition", breaking, false, "rows are in another place, or find none"},
    Rule{"inherits", breaking, false,
         "its rows appear in statements on the table it inherits from"},
    Rule{"revoke", breaking, false, "the release before may lack the right"},
    Rule{"owner", breaking, false, "the release before may lack rights that came with ownership"},
    Rule{"role", breaking, false, "the release before may not log in, or lack rights"},
    Rule{"sequence", breaking, false, "the next numbers are others than it expects"},
    Rule{"publication", breaking, false,
         "UPDATE and DELETE on a table without replica identity fail"},
    Rule{"alter-object", breaking, false, "what uses it may fail, or mean something else"},
};

} // namespace

std::string_view name_of(Kind kind) {
  switch (kind) {
  case Kind::additive: return "additive";
  case Kind::compatible: return "compatible";
  case Kind::data_changing: return "data-changing";
  case Kind::unknown: return "unknown";
  case Kind::breaking: return "breaking";
  }
  return "?";
}

const Rule& rule(std::string_view name) {
  const auto* const found = std::ranges::find(rules, name, &Rule::name);
  CHECK(found != rules.end());
  return *found;
}

bool is_rule(std::string_view name) {
  return std::ranges::find(rules, name, &Rule::name) != rules.end();
}

} // namespace pgsql
