#pragma once
// File: a migration as a whole: its statements, judged, and why it must not run. Pure.

#include "pgsql/classify.hpp"

namespace pgsql {

struct Step {
  Piece piece;
  Judgement judgement;
};

struct File {
  std::vector<Step> steps; // what is run: a BEGIN and COMMIT around all of it are left out
  std::vector<Comment> comments;
  std::vector<Problem> problems; // empty: it can run
  // Each statement by itself, none in a transaction, and each may be run again.
  bool is_stepwise = false;
};

// Judges the statements in their order: the classifier remembers what they make.
File read_file(std::string_view text, Classifier& classifier);

Kind kind_of(const File& file); // the worst of its statements

} // namespace pgsql
