#include "errands/errand.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace errands {

using base::Error;
using base::ErrorKind;
using base::Result;
using nlohmann::json;
using world::TimePoint;

namespace {

constexpr int format = 1;
constexpr std::size_t id_bytes_max = 64;
constexpr std::size_t detail_bytes_max = 1000;

std::string dump(const json& value) {
  return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

json time_json(const std::optional<TimePoint>& at) {
  return at ? json(base::format_time(*at)) : json();
}

Result<std::optional<TimePoint>> time_at(const json& object, const char* key) {
  const std::string text = text_at(object, key);
  if (text.empty())
    return std::optional<TimePoint>{};
  return std::optional{TRY(base::parse_time(text))};
}

Error harmed() {
  return {ErrorKind::corrupt, "the record of an errand is not whole",
          "Remove its folder below errands/ in the state folder."};
}

// docs/guide/exit-statuses.md, for commands that tell no outcome of their own.
std::string outcome_of(const std::optional<int>& status) {
  if (!status)
    return "died";
  switch (*status) {
  case 0: return "done";
  case 4: return "needs_operator";
  case 5: return "blocked";
  case 7: return "nothing_in_progress";
  case 11: return "locked";
  case 130: return "interrupted";
  default: return "failed";
  }
}

void take_line(ErrandView& view, const json& line) {
  const std::string event = text_at(line, "event");
  if (event == "operation_begun") {
    view.has_begun_operation = true;
  } else if (event == "step_begun") {
    view.step = text_at(line, "step");
  } else if (event == "error") {
    view.detail = text_at(line, "message");
    view.hint = text_at(line, "hint");
  } else if (event == "ended") {
    view.outcome = text_at(line, "outcome");
    view.detail = text_at(line, "why");
    view.hint = text_at(line, "hint");
    view.result = line;
  } else if (event == "backed_up" || event == "verified" || event == "asked" ||
             event == "drilled" || event == "restored" || event == "let_go") {
    view.result = line;
  }
}

} // namespace

std::string text_at(const json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string_view name_of(Stage stage) {
  constexpr std::array<std::string_view, 3> names{"planned", "running", "ended"};
  return names.at(static_cast<std::size_t>(stage));
}

std::string to_json(const Errand& errand) {
  json object{{"format", format},
              {"id", errand.id},
              {"kind", errand.kind},
              {"stack", errand.stack},
              {"at", base::format_time(errand.at)},
              {"face", errand.face},
              {"key", errand.key},
              {"asked", errand.asked},
              {"expires", time_json(errand.expires)},
              {"digest", errand.digest},
              {"began", time_json(errand.began)}};
  if (errand.process)
    object["process"] = {{"pid", errand.process->pid},
                         {"start_ticks", errand.process->start_ticks},
                         {"boot_id", errand.process->boot_id}};
  return dump(object);
}

Result<Errand> errand_from_json(std::string_view text) {
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object() || !object.contains("format") || !object["format"].is_number_integer())
    return harmed();
  if (object["format"].get<std::int64_t>() > format)
    return Error{ErrorKind::too_new, "an errand was written by a newer belay",
                 "Use that belay, or a newer one."};
  Errand errand;
  errand.id = text_at(object, "id");
  errand.kind = text_at(object, "kind");
  errand.stack = text_at(object, "stack");
  errand.face = text_at(object, "face");
  errand.key = text_at(object, "key");
  errand.asked = text_at(object, "asked");
  errand.digest = text_at(object, "digest");
  const auto at = time_at(object, "at");
  const auto expires = time_at(object, "expires");
  const auto began = time_at(object, "began");
  if (!is_id(errand.id) || errand.kind.empty() || !at || !at.value() || !expires || !began)
    return harmed();
  errand.at = *at.value();
  errand.expires = expires.value();
  errand.began = began.value();
  if (const auto process = object.find("process"); process != object.end()) {
    if (!process->is_object() || !process->contains("pid") ||
        !(*process)["pid"].is_number_integer() || !process->contains("start_ticks") ||
        !(*process)["start_ticks"].is_number_integer())
      return harmed();
    errand.process = world::ProcessId{(*process)["pid"].get<int>(),
                                      (*process)["start_ticks"].get<std::uint64_t>(),
                                      text_at(*process, "boot_id")};
  }
  return errand;
}

void take_log(ErrandView& view, std::string_view log) {
  std::string last; // line that is no JSON
  for (const std::string& text : base::split(log, '\n')) {
    const json line = text.starts_with('{') ? json::parse(text, nullptr, false) : json();
    if (line.is_object())
      take_line(view, line);
    else if (!text.empty() && !text.starts_with("hint: "))
      last = text;
  }
  if (view.stage == Stage::ended) {
    if (view.outcome.empty() || !view.status)
      view.outcome = outcome_of(view.status);
    if (view.detail.empty() && view.status != 0)
      view.detail = last;
    if (!view.status)
      view.hint = "Ask for the status of the stack: 'belay resume' ends what is in progress.";
  } else {
    view.outcome.clear();
  }
  view.detail = base::printable(view.detail).substr(0, detail_bytes_max);
}

json shown(const ErrandView& view) {
  const Errand& errand = view.errand;
  json object{{"id", errand.id},
              {"kind", errand.kind},
              {"stack", errand.stack},
              {"asked_at", base::format_time(errand.at)},
              {"asked_over", errand.face},
              {"state", view.has_expired ? "expired" : name_of(view.stage)},
              {"began_at", time_json(errand.began)},
              {"outcome", view.outcome.empty() ? json() : json(view.outcome)},
              {"exit_status", view.status ? json(*view.status) : json()},
              {"detail", view.detail},
              {"hint", view.hint},
              {"step", view.step},
              {"result", view.result}};
  return object;
}

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= id_bytes_max && text.front() != '.' &&
         text.front() != '-' && // it would be an option
         std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '-' || c == '.' || c == '_';
         });
}

} // namespace errands
