#include "discovery/draft.hpp"

#include "base/text.hpp"
#include "discovery/compose.hpp"
#include "discovery/guess.hpp"

#include <algorithm>

namespace discovery {

using base::Result;

const std::vector<std::string>& answer_keys() {
  static const std::vector<std::string> keys{"stack", "run", "release", "ready", "data"};
  return keys;
}

Result<Draft> draft(const Seen& seen, const Answers& answers) {
  const Guess made = TRY(guess(seen, answers)); // refuses answers that cannot be understood
  if (auto compose = draft_of_compose(seen, answers))
    return std::move(*compose);
  Draft draft;
  draft.stack = made.stack;
  draft.questions = made.questions;
  draft.notes = made.notes;
  const bool must_ask =
      std::ranges::any_of(made.questions, [](const Question& each) { return each.guess.empty(); });
  if (must_ask)
    return draft;
  draft.text = render(seen, made);
  std::string label = made.labels.empty() ? "" : made.labels.back();
  for (const ServiceGuess& service : made.services)
    if (!service.label.empty())
      label = service.label; // take over what runs, as it is, before anything newer
  draft.next = {"belay config", "belay check " + made.stack,
                "belay upgrade " + made.stack + " --to " + (label.empty() ? "LABEL" : label)};
  return draft;
}

} // namespace discovery
