#include "pgsql/file.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <optional>

namespace pgsql {

namespace {

constexpr std::size_t statements_max = 100'000;
constexpr std::string_view own_ledger = "belay_migrations";

bool mentions(std::string_view text, std::string_view name) {
  const auto is_same = [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
  };
  return std::search(text.begin(), text.end(), name.begin(), name.end(), is_same) != text.end();
}

std::string start_of(const Step& step) {
  return "'" + base::printable(step.piece.sql.substr(0, step.piece.sql.find_first_of("\n("))) + "'";
}

class Checker {
public:
  explicit Checker(File& file) : file_{file} {}

  void check() {
    take_frame();
    for (const Step& step : file_.steps)
      check_step(step);
    check_mixture();
    check_labels();
    std::ranges::stable_sort(file_.problems, {}, &Problem::line);
  }

private:
  void problem(const Step& step, std::string text) {
    file_.problems.push_back({step.piece.line, std::move(text)});
  }

  // BEGIN first, COMMIT last, and neither anywhere else: then they say what is so anyhow.
  void take_frame() {
    auto& steps = file_.steps;
    const auto is = [](Manner manner) {
      return [manner](const Step& step) { return step.judgement.manner == manner; };
    };
    has_frame_ = steps.size() >= 2 && is(Manner::begin)(steps.front()) &&
                 is(Manner::commit)(steps.back()) &&
                 std::ranges::count_if(steps, is(Manner::begin)) == 1 &&
                 std::ranges::count_if(steps, is(Manner::commit)) == 1;
    if (!has_frame_)
      return;
    steps.erase(steps.begin());
    steps.pop_back();
  }

  void check_step(const Step& step) {
    const Manner manner = step.judgement.manner;
    if (manner == Manner::begin || manner == Manner::commit)
      problem(step, std::string{manner == Manner::begin ? "BEGIN" : "COMMIT"} +
                        " is not for a migration: each file is one transaction already. Only one "
                        "pair around the whole file is passed over");
    if (manner == Manner::refused)
      problem(step, step.judgement.refusal);
    const bool is_parsed = step.judgement.findings.front().rule->name != "not-parsed";
    if (!is_parsed && !step.piece.variable.empty())
      problem(step, "'" + base::printable(step.piece.variable) +
                        "' is a variable of the program psql, not SQL");
    if (mentions(step.piece.sql, own_ledger))
      problem(step, "the ledger 'belay_migrations' is kept by belay alone");
  }

  void check_mixture() {
    const auto alone = std::ranges::find_if(
        file_.steps, [](const Step& step) { return step.judgement.manner == Manner::alone; });
    if (alone == file_.steps.end())
      return;
    file_.is_stepwise = true;
    if (has_frame_)
      problem(*alone, start_of(*alone) + " cannot be part of a transaction: leave BEGIN and COMMIT "
                                         "out");
    const auto other = std::ranges::find_if(file_.steps, [](const Step& step) {
      return step.judgement.manner == Manner::in_transaction;
    });
    if (other != file_.steps.end())
      problem(*alone, start_of(*alone) + " cannot be part of a transaction, but line " +
                          std::to_string(other->piece.line) + " is: put it into a file of its own");
  }

  // "unsafe use of new value": a label may be used only after the transaction that added it.
  void check_labels() {
    for (auto adding = file_.steps.begin(); adding != file_.steps.end(); ++adding) {
      const std::string& label = adding->judgement.adds_label;
      if (label.empty())
        continue;
      for (auto using_it = adding + 1; using_it != file_.steps.end(); ++using_it)
        if (using_it->piece.sql.contains("'" + label + "'")) {
          problem(*using_it, "'" + base::printable(label) + "' is added to its enum in line " +
                                 std::to_string(adding->piece.line) +
                                 ", and may be used in a later file only");
          break;
        }
    }
  }

  File& file_;
  bool has_frame_ = false;
};

} // namespace

File read_file(std::string_view text, Classifier& classifier) {
  Script script = read_script(text);
  File file{.steps = {}, .comments = std::move(script.comments), .problems = {}};
  for (Problem& problem : script.problems)
    file.problems.push_back(std::move(problem));
  if (script.pieces.size() > statements_max) {
    file.problems.push_back({1, "this file has too many statements"});
    return file;
  }
  for (Piece& piece : script.pieces) {
    Judgement judgement = classifier.judge(piece);
    file.steps.push_back({std::move(piece), std::move(judgement)});
  }
  Checker{file}.check();
  return file;
}

Kind kind_of(const File& file) {
  Kind worst = Kind::additive;
  for (const Step& step : file.steps)
    worst = std::max(worst, kind_of(step.judgement));
  return worst;
}

} // namespace pgsql
