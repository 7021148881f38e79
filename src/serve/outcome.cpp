#include "serve/outcome.hpp"

#include "base/text.hpp"

#include <nlohmann/json.hpp>

namespace serve {

using nlohmann::json;
using state::RoutineOutcome;

namespace {

// docs/guide/exit-statuses.md
constexpr int done = 0;
constexpr int rolled_back = 3; // and verified
constexpr int nothing_in_progress = 7;
constexpr int locked = 11;
constexpr int interrupted = 130;
constexpr std::size_t detail_bytes_max = 400;

RoutineOutcome outcome_of(std::string_view routine, int status) {
  if (status == done ||
      (routine == "resume" && (status == nothing_in_progress || status == rolled_back)))
    return RoutineOutcome::success;
  // Something else was at work, or the machine goes down: the same is tried again soon.
  return status == locked || status == interrupted ? RoutineOutcome::skipped
                                                   : RoutineOutcome::failed;
}

std::string text_at(const json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_string() ? found->get<std::string>() : "";
}

void take_line(const json& line, RoutineEnd& end) {
  const std::string event = text_at(line, "event");
  if (event == "error")
    end.detail = text_at(line, "message");
  else if (event == "backed_up")
    end.detail = "restore point " + text_at(line, "point");
  else if (event == "archived")
    end.detail = "Backup written to " + text_at(line, "archive");
  else if (event == "archive_verified")
    end.detail = text_at(line, "archive") + " is whole";
  else if (event == "ended")
    end.detail = text_at(line, "outcome") +
                 (text_at(line, "why").empty() ? "" : ": " + text_at(line, "why"));
  if (event == "backed_up" && line.contains("copy") && line["copy"].is_object() &&
      !text_at(line["copy"], "message").empty())
    end.detail += ", but not in the second place: " + text_at(line["copy"], "message");
  if (event == "archived" && line.contains("removed") && line["removed"].is_array())
    end.removed += line["removed"].size();
  if (event == "let_go" && line.contains("gone") && line["gone"].is_array()) {
    end.removed += line["gone"].size();
    end.detail = end.removed == 0
                     ? "nothing to let go"
                     : "let go " + base::plural(end.removed, "restore point", "restore points");
  }
}

} // namespace

RoutineEnd end_of(std::string_view routine, std::optional<int> status, std::string_view said) {
  RoutineEnd end;
  std::string last; // line that is no JSON: what it said to people
  for (const std::string& text : base::split(said, '\n')) {
    const json line = json::parse(text, nullptr, false);
    if (line.is_object())
      take_line(line, end);
    else if (!text.empty())
      last = text;
  }
  end.outcome = status ? outcome_of(routine, *status) : RoutineOutcome::failed;
  if (!status)
    end.detail = last.empty() ? "it died without a word" : "it died: " + last;
  else if (end.detail.empty() && end.outcome != RoutineOutcome::success)
    end.detail = last.empty() ? "exit status " + std::to_string(*status) : last;
  end.detail = base::printable(end.detail).substr(0, detail_bytes_max);
  return end;
}

} // namespace serve
