#pragma once
// Rules: what can be said of a statement, by name. docs/guide/migrations.md tells them to people.

#include <string_view>

namespace pgsql {

// From harmless to certain harm, for the release before that meets what a migration left. A later
// one outweighs those before it.
enum class Kind {
  additive,      // only adds what the release before does not know
  compatible,    // changes what it knows, and none of its statements fails or means something else
  data_changing, // its statements go on, but the data that it wrote is changed
  unknown,       // nobody can tell from the text
  breaking,      // some of its statements fail, or may
};

std::string_view name_of(Kind kind); // "data-changing"

struct Rule {
  std::string_view name; // "drop-column"
  Kind kind = Kind::unknown;
  bool is_certain = false; // breaking: whatever else is so, it breaks who used it
  std::string_view why;    // one sentence without a full stop
};

// A name that the table does not have is a bug.
const Rule& rule(std::string_view name);
bool is_rule(std::string_view name);

} // namespace pgsql
