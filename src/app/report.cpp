#include "app/report.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include <nlohmann/json.hpp>

namespace app {

using engine::OperationView;
using engine::StepRecord;
using nlohmann::json;

namespace {

std::string duration(std::int64_t milliseconds) {
  return milliseconds < 0 ? "none" : base::format_duration(std::chrono::milliseconds{milliseconds});
}

const char* words_of(StepRecord::State state) {
  switch (state) {
  case StepRecord::State::running: return "not ended";
  case StepRecord::State::done: return "ok";
  case StepRecord::State::failed: return "FAILED";
  }
  return "?";
}

// The one renderer of both text forms: they differ in headings, lists and quotations only.
class Writer {
public:
  explicit Writer(bool is_markdown) : is_markdown_{is_markdown} {}
  void title(const std::string& text) { text_ += (is_markdown_ ? "# " : "") + text + "\n"; }
  void heading(const std::string& text) {
    text_ += "\n" + (is_markdown_ ? "## " + text + "\n\n" : text + "\n");
  }
  void item(const std::string& text) { text_ += (is_markdown_ ? "* " : "  ") + text + "\n"; }
  void quote(const std::string& text) {
    if (is_markdown_)
      text_ += "```\n" + text + "\n```\n";
    else
      for (const std::string& line : base::split(text, '\n'))
        text_ += "  | " + line + "\n";
  }
  std::string take() { return std::move(text_); }

private:
  bool is_markdown_;
  std::string text_;
};

void write_why(Writer& out, const OperationView& view) {
  if (view.failed_step.empty())
    return;
  out.heading(view.is_way_back ? "Why it was taken back" : "Why it did not go on");
  out.item("step '" + view.failed_step + "': " + view.why);
  for (const auto& gate : view.gates)
    if (gate.step == view.failed_step && gate.verdict != "ok")
      out.item(gate.probe + ": " + gate.verdict + ", " + gate.detail +
               (gate.baseline.empty() ? "; it has no baseline" : "; before: " + gate.baseline));
}

// What people vouched for, and what the checks made of it.
void write_evidence(Writer& out, const state::Plan& plan) {
  constexpr std::array checks{"evidence", "release-notes", "window"};
  std::vector<std::string> lines;
  for (const auto& given : plan.evidence)
    lines.push_back("given: " + given.name + " = " + base::printable(given.value));
  for (const auto& finding : plan.findings)
    if (std::ranges::find(checks, finding.check) != checks.end())
      lines.push_back(finding.check + ": " + finding.text);
  if (lines.empty())
    return;
  out.heading("What allowed it");
  for (const std::string& line : lines)
    out.item(line);
}

void write_level(Writer& out, const OperationView& view) {
  if (!view.level)
    return;
  out.heading("How far back");
  out.item("level " + std::string{domain::name_of(*view.level)});
  for (const std::string& line : view.evidence)
    out.item(line);
}

void write_ledgers(Writer& out, const OperationView& view) {
  if (view.ledgers.empty())
    return;
  out.heading("Migrations");
  for (const engine::LedgerFact& fact : view.ledgers) {
    out.item(fact.store + ": before " + fact.before + "; after " + fact.after);
    if (!fact.moved.empty())
      out.item(fact.store + ": " + fact.moved +
               (fact.is_compatible ? "; declared compatible" : "; not declared compatible"));
  }
}

void write_timeline(Writer& out, const OperationView& view) {
  out.heading("Timeline");
  for (const StepRecord& step : view.steps) {
    out.item(step.begun_at + "  " + step.step + "  " + words_of(step.state) + "  " +
             duration(step.elapsed_ms) + (step.text.empty() ? "" : "  " + step.text));
    for (const std::string& line : step.detail)
      out.item("    " + line);
  }
}

void write_kept(Writer& out, const OperationView& view) {
  if (view.abandoned.empty())
    return;
  out.heading("What was kept");
  for (const auto& kept : view.abandoned) {
    out.item(kept.store + ": " + base::plural(kept.differences, "entry differs", "entries differ") +
             " from what runs now; " + kept.kept);
    std::size_t shown = 0;
    for (const auto& difference : kept.written_since)
      if (++shown <= 10)
        out.item("    " + base::printable(difference.path) + "  " +
                 base::format_bytes(difference.bytes_a) + " now, " +
                 base::format_bytes(difference.bytes_b) + " there");
  }
  out.item("to look at what was written there: belay abandoned export " + view.plan.abandoned +
           " --into FOLDER");
  out.item("to bring it back: belay rollback " + view.plan.stack + " --to " + view.plan.abandoned);
}

void write_predictions(Writer& out, const OperationView& view) {
  out.heading("Predicted and real");
  out.item("downtime: predicted " + duration(view.plan.downtime_ms) + ", real " +
           duration(view.downtime_ms));
  out.item("in all: predicted " + duration(view.plan.total_ms) + ", real " +
           duration(view.total_ms) + " (" + view.plan.prediction_from + ")");
}

void write_next(Writer& out, const OperationView& view) {
  out.heading("Next");
  if (!view.has_ended)
    out.item(view.next);
  else if (view.outcome == domain::Outcome::rolled_back &&
           view.plan.kind == state::OperationKind::upgrade)
    out.item("what ran before runs again, verified; repair the release, then upgrade under another "
             "label");
  else if (view.outcome == domain::Outcome::unchanged)
    out.item("nothing was changed; remove the cause, then try again");
  else if (view.outcome == domain::Outcome::committed)
    out.item("'belay rollback " + view.plan.stack + "' goes back to " +
             (view.plan.point.empty() ? "what ran before" : view.plan.point));
  else
    out.item("nothing is left to do");
}

std::string write(const OperationView& view, bool is_markdown) {
  Writer out{is_markdown};
  const bool is_upgrade = view.plan.kind == state::OperationKind::upgrade;
  out.title(std::string{is_upgrade ? "Upgrade" : "Rollback"} + " of " + view.plan.stack + " to " +
            (view.plan.to.empty() ? "itself (restart)" : view.plan.to) + ": " +
            outcome_words(view));
  out.item("operation " + view.plan.operation + ", planned " + view.plan.at);
  for (const std::string& change : view.plan.changes)
    out.item(change);
  write_evidence(out, view.plan);
  write_why(out, view);
  write_ledgers(out, view);
  write_level(out, view);
  write_kept(out, view);
  if (!view.logs.empty()) {
    out.heading("Last log lines, before anything was stopped");
    for (const auto& log : view.logs) {
      out.item(log.service + ":");
      out.quote(log.text);
    }
  }
  write_predictions(out, view);
  write_timeline(out, view);
  write_next(out, view);
  return out.take();
}

json step_json(const StepRecord& step) {
  return {{"step", step.step},         {"begun_at", step.begun_at},
          {"ended_at", step.ended_at}, {"state", words_of(step.state)},
          {"ms", step.elapsed_ms},     {"text", step.text},
          {"detail", step.detail}};
}

json kept_json(const domain::Abandoned& kept) {
  json written = json::array();
  for (const auto& difference : kept.written_since)
    written.push_back({{"path", difference.path},
                       {"bytes_now", difference.bytes_a},
                       {"bytes_there", difference.bytes_b}});
  return {{"store", kept.store},
          {"kept", kept.kept},
          {"differences", kept.differences},
          {"written", written}};
}

} // namespace

std::string outcome_words(const OperationView& view) {
  if (view.has_ended)
    return view.outcome ? std::string{domain::name_of(*view.outcome)} : "ended";
  return "in progress at '" + view.state + "'";
}

std::string report_text(const OperationView& view) {
  return write(view, false);
}
std::string report_markdown(const OperationView& view) {
  return write(view, true);
}

std::string report_json(const OperationView& view) {
  json object{{"operation", view.plan.operation},
              {"kind", view.plan.kind == state::OperationKind::upgrade ? "upgrade" : "rollback"},
              {"stack", view.plan.stack},
              {"at", view.plan.at},
              {"to", view.plan.to},
              {"point", view.plan.point},
              {"abandoned_set", view.plan.abandoned},
              {"outcome", view.outcome ? json(domain::name_of(*view.outcome)) : json()},
              {"state", view.state},
              {"next", view.next},
              {"failed_step", view.failed_step},
              {"why", view.why},
              {"level", view.level ? json(domain::name_of(*view.level)) : json()},
              {"evidence", view.evidence},
              {"downtime_ms", view.downtime_ms},
              {"downtime_predicted_ms", view.plan.downtime_ms},
              {"total_ms", view.total_ms},
              {"changes", view.plan.changes}};
  for (const StepRecord& step : view.steps)
    object["steps"].push_back(step_json(step));
  for (const auto& gate : view.gates)
    object["gates"].push_back({{"step", gate.step},
                               {"probe", gate.probe},
                               {"verdict", gate.verdict},
                               {"detail", gate.detail},
                               {"baseline", gate.baseline}});
  for (const auto& given : view.plan.evidence)
    object["given"].push_back({{"name", given.name}, {"value", given.value}});
  for (const auto& finding : view.plan.findings)
    object["checks"].push_back({{"check", finding.check},
                                {"level", domain::name_of(finding.level)},
                                {"text", finding.text}});
  for (const auto& fact : view.ledgers)
    object["ledgers"].push_back({{"store", fact.store},
                                 {"before", fact.before},
                                 {"after", fact.after},
                                 {"moved", fact.moved},
                                 {"compatible", fact.is_compatible}});
  for (const auto& log : view.logs)
    object["logs"].push_back({{"service", log.service}, {"text", log.text}});
  for (const auto& kept : view.abandoned)
    object["abandoned"].push_back(kept_json(kept));
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace app
