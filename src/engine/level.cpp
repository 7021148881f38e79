#include "engine/level.hpp"

#include <algorithm>

namespace engine {

using domain::Level;
using domain::Movement;

namespace {

bool is_declared(const domain::Evidence& evidence, const LevelQuestion& question) {
  if (question.is_vouched)
    return true;
  // Exactly what those migrations left: whatever moved besides was declared by nobody.
  const auto fact = std::ranges::find(question.facts, evidence.store, &LedgerFact::store);
  return fact != question.facts.end() && fact->is_compatible && !fact->layout.empty() &&
         fact->layout == evidence.layout && fact->ledger == evidence.ledger;
}

bool has_moved(const domain::Evidence& evidence) {
  return evidence.movement == Movement::layout || !evidence.ledger_moved.empty();
}

const char* words_for(Movement movement) {
  switch (movement) {
  case Movement::none: return "did not change";
  case Movement::data_only: return "has new data, its layout did not change";
  case Movement::layout: return "changed";
  case Movement::unreadable: return "cannot be read";
  }
  return "?";
}

void tell_evidence(const LevelQuestion& question, std::vector<std::string>& reasons) {
  for (const domain::Evidence& evidence : question.evidence) {
    reasons.push_back("store '" + evidence.store + "' " + words_for(evidence.movement) +
                      (evidence.detail.empty() ? "" : ": " + evidence.detail));
    if (!evidence.ledger_moved.empty())
      reasons.push_back("store '" + evidence.store + "': " + evidence.ledger_moved);
    if (has_moved(evidence) && is_declared(evidence, question))
      reasons.push_back("store '" + evidence.store +
                        "': what moved was declared compatible with the release before");
  }
}

std::string why_forbidden(const domain::Evidence& evidence) {
  if (!evidence.ledger_moved.empty())
    return "the migration ledger of store '" + evidence.store +
           "' moved and nobody declared it compatible: data goes back";
  return "the old release would meet data that it did not write: data goes back";
}

Level sufficient(const LevelQuestion& question, std::vector<std::string>& reasons) {
  if (!question.was_switched && !question.could_write) {
    reasons.emplace_back("the new release was not put in place: a restart is enough");
    return Level::restart;
  }
  if (!question.could_write) {
    reasons.emplace_back("the new release never ran: the data cannot have changed");
    return Level::release;
  }
  for (const domain::Evidence& evidence : question.evidence)
    if (forbids_release(evidence, question)) {
      reasons.push_back(why_forbidden(evidence));
      return Level::data;
    }
  const auto is_as_it_was = [](const domain::Evidence& evidence) {
    return evidence.movement == Movement::none;
  };
  if (!question.could_serve && !std::ranges::all_of(question.evidence, is_as_it_was)) {
    reasons.emplace_back("the new release never ran, so that migrations alone have written: they "
                         "go back, and nothing else is lost");
    return Level::data;
  }
  if (!question.was_switched) {
    reasons.emplace_back("the new release was not put in place: a restart is enough");
    return Level::restart;
  }
  reasons.emplace_back(
      std::ranges::any_of(question.evidence, has_moved)
          ? "what moved was declared compatible: the release alone is enough, "
            "data stays"
          : "the layout of no store moved: the release alone is enough, data stays");
  return Level::release;
}

// A level that was asked for is obeyed, but the old release never meets a ledger that moved.
void raise_for_ledgers(const LevelQuestion& question, LevelAnswer& answer) {
  if (answer.level >= Level::data || !question.could_write)
    return;
  for (const domain::Evidence& evidence : question.evidence)
    if (!evidence.ledger_moved.empty() && forbids_release(evidence, question)) {
      answer.level = Level::data;
      return answer.reasons.push_back(why_forbidden(evidence));
    }
}

} // namespace

bool forbids_release(const domain::Evidence& evidence, const LevelQuestion& question) {
  return evidence.movement == Movement::unreadable ||
         (has_moved(evidence) && !is_declared(evidence, question));
}

LevelAnswer decide_level(const LevelQuestion& question) {
  LevelAnswer answer;
  tell_evidence(question, answer.reasons);
  if (question.asked == Level::automatic) {
    answer.level = sufficient(question, answer.reasons);
  } else {
    answer.level = question.asked;
    answer.reasons.push_back("level " + std::string{domain::name_of(question.asked)} +
                             " was asked for");
    raise_for_ledgers(question, answer);
  }
  if (question.at_least > answer.level) {
    answer.level = question.at_least;
    answer.reasons.emplace_back("a lower level did not bring the old release back");
  }
  // At `data` all stores that moved go back together: one alone would be a mixture of two times.
  for (const domain::Evidence& evidence : question.evidence)
    if (answer.level == Level::full ||
        (answer.level == Level::data && evidence.movement != Movement::none))
      answer.stores.push_back(evidence.store);
  return answer;
}

} // namespace engine
