#include "engine/level.hpp"

#include <algorithm>

namespace engine {

using domain::Level;
using domain::Movement;

namespace {

bool is_unsafe(const domain::Evidence& evidence) {
  return evidence.movement == Movement::layout || evidence.movement == Movement::unreadable;
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

Level sufficient(const LevelQuestion& question, std::vector<std::string>& reasons) {
  if (!question.was_switched) {
    reasons.emplace_back("the new release was not put in place: a restart is enough");
    return Level::restart;
  }
  if (!question.could_write) {
    reasons.emplace_back("the new release never ran: the data cannot have changed");
    return Level::release;
  }
  if (std::ranges::any_of(question.evidence, is_unsafe)) {
    reasons.emplace_back("the old release would meet data that it did not write: data goes back");
    return Level::data;
  }
  reasons.emplace_back("the layout of no store moved: the release alone is enough, data stays");
  return Level::release;
}

} // namespace

LevelAnswer decide_level(const LevelQuestion& question) {
  LevelAnswer answer;
  for (const domain::Evidence& evidence : question.evidence)
    answer.reasons.push_back("store '" + evidence.store + "' " + words_for(evidence.movement) +
                             (evidence.detail.empty() ? "" : ": " + evidence.detail));
  if (question.asked == Level::automatic) {
    answer.level = sufficient(question, answer.reasons);
  } else {
    answer.level = question.asked;
    answer.reasons.push_back("level " + std::string{domain::name_of(question.asked)} +
                             " was asked for");
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
