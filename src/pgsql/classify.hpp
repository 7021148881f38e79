#pragma once
// Classify: what each statement of the files to come does, in words, and what the release before
// will meet after it. By PostgreSQL's own grammar; what that does not take is unknown, never safe.
// Pure.

#include "pgsql/rules.hpp"
#include "pgsql/script.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace pgsql {

// How a statement is run.
enum class Manner {
  in_transaction,
  alone,   // refuses a transaction, and may be run again when it was interrupted
  setting, // of the session: with either
  begin,   // BEGIN without options
  commit,  // COMMIT or END without options
  refused, // not for a migration: Judgement::refusal says why
};

struct Finding {
  const Rule* rule = nullptr; // never null
  std::string does;           // "adds column orders.note, nullable"
};

struct Judgement {
  Manner manner = Manner::in_transaction;
  std::string refusal;
  std::vector<Finding> findings; // at least one
  std::string makes_index;       // by CREATE INDEX CONCURRENTLY: "shop"."i", quoted
  std::string adds_label;        // to an enum that was there before: unsafe to use before its end
  bool reaches_beyond = false;   // changes more than this database: see beyond.hpp
};

Kind kind_of(const Judgement& judgement); // the worst of its findings

// What is in the database, by last names: "orders", "orders.note". Without it IF NOT EXISTS is
// taken for an object that was there, and every function for one more with its name.
struct Catalog {
  bool is_known = false;
  std::set<std::string> relations; // tables, views, indexes, sequences
  std::set<std::string> columns;
  std::set<std::string> functions;
};

// Remembers what the statements before have made, which is free to be changed: give it the
// statements of all files that one upgrade will run, in their order.
class Classifier {
public:
  explicit Classifier(Catalog catalog = {});
  Judgement judge(const Piece& piece);

private:
  friend class Judge;
  struct NewColumn {
    bool is_required = false;
    bool has_default = false;
    bool is_constrained = false;
  };
  Catalog catalog_;
  std::set<std::string> relations_; // made so far, as they were written
  std::set<std::string> schemas_;
  std::set<std::string> types_;
  std::set<std::string> functions_;
  std::map<std::string, NewColumn> columns_; // "orders.note"
};

} // namespace pgsql
