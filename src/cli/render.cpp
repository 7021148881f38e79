#include "cli/render.hpp"

#include "app/report.hpp"
#include "base/text.hpp"
#include "cli/say.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace cli {

using nlohmann::json;

namespace {

std::string duration(std::int64_t milliseconds) {
  return base::format_duration(std::chrono::milliseconds{milliseconds});
}

std::string age_of(const std::string& at, world::TimePoint now) {
  const auto time = base::parse_time(at);
  if (!time)
    return at;
  return duration(std::max<std::int64_t>(
             0,
             std::chrono::duration_cast<std::chrono::milliseconds>(now - time.value()).count())) +
         " ago";
}

std::string state_of(const app::KnownPoint& known) {
  if (!std::ranges::all_of(known.point.snapshots, &domain::Snapshot::is_secured))
    return "kept, not read yet"; // its way back is under way, or could not read it
  if (!known.point.given_up.empty())
    return "data of " + base::join(known.point.given_up, ", ") + " became live again";
  return known.torn == 0 ? "whole"
                         : base::plural(known.torn, "file", "files") + " changed while read";
}

std::vector<std::string> stores_of(const state::RestorePoint& point) {
  std::vector<std::string> names;
  for (const auto& snapshot : point.snapshots)
    names.push_back(snapshot.store);
  return names;
}

// What is only in a repository is listed without reading what it holds.
std::string stores_text(const app::KnownPoint& known) {
  if (known.places.front() != "local")
    return "all stores";
  return known.point.snapshots.empty() ? "config only" : base::join(stores_of(known.point), ", ");
}

} // namespace

namespace {

// `belay check` tells each good finding, a plan only which checks were good.
template <class Add>
void add_findings(const state::Plan& plan, const Add& add) {
  std::vector<std::string> good;
  for (const domain::Finding& finding : plan.findings) {
    if (finding.level != domain::FindingLevel::ok)
      continue; // among the warnings and blockers
    if (plan.to.empty())
      add("ok", finding.check + ": " + finding.text);
    else if (std::ranges::find(good, finding.check) == good.end())
      good.push_back(finding.check);
  }
  if (!good.empty())
    add("checked", base::join(good, ", "));
}

// The level that is picked and why, then what each would be.
template <class Add>
void add_levels(const state::Plan& plan, const Add& add) {
  const std::string picked{domain::name_of(plan.picked)};
  add("level", picked + (plan.level == domain::Level::automatic
                             ? " is picked by evidence, and looked at again once all is stopped:"
                             : ", because:"));
  for (const std::string& reason : plan.reasons)
    add("", "  " + reason);
  for (const state::LevelChoice& choice : plan.levels)
    add(choice.level == plan.picked ? "=>" : "",
        std::string{domain::name_of(choice.level)} + ": " +
            (choice.why_not.empty()
                 ? "down about " + duration(choice.downtime_ms) + "; " + choice.price
                 : "not possible: " + choice.why_not));
}

} // namespace

std::string plan_text(const state::Plan& plan) {
  const bool is_upgrade = plan.kind == state::OperationKind::upgrade;
  std::string text =
      plan.stack + ": " +
      (is_upgrade ? "upgrade" + (plan.to.empty() ? "" : " to " + plan.to) : "rollback") + "\n";
  const auto add = [&](const std::string& name, const std::string& value) {
    text += "  " + name + std::string(name.size() < 11 ? 11 - name.size() : 1, ' ') + value + "\n";
  };
  for (const std::string& change : plan.changes)
    add("~", change);
  add("steps", base::join(plan.steps, " "));
  if (plan.disk_bytes == 0 && plan.disk_free_bytes == 0)
    add("disk", "no store is copied");
  else
    add("disk", "needs up to " + base::format_bytes(plan.disk_bytes) + " beside the data, free " +
                    base::format_bytes(plan.disk_free_bytes));
  add("downtime", "about " + duration(plan.downtime_ms) + ", in all about " +
                      duration(plan.total_ms) + " (" + plan.prediction_from + ")");
  add("kept", is_upgrade ? "a restore point " + plan.point + "; what a way back swaps out as " +
                               plan.abandoned
                         : "what is live now as " + plan.abandoned);
  for (const std::string& line : plan.migrations)
    add("migrations", line);
  if (plan.levels.empty())
    add("way back", "its level is decided by " + plan.decides_level);
  else
    add_levels(plan, add);
  add_findings(plan, add);
  for (const std::string& warning : plan.warnings)
    add("warning", warning);
  for (const std::string& blocker : plan.blockers)
    add("BLOCKED", blocker);
  text += plan.blockers.empty() ? "Nothing forbids it.\n"
                                : std::to_string(plan.blockers.size()) + " blocked.\n";
  return text;
}

std::string status_text(const app::Status& status) {
  std::string text = status.stack + ": " +
                     (status.generation == 0 ? "no generation yet"
                                             : "generation " + std::to_string(status.generation) +
                                                   ", " + status.label) +
                     "\n";
  for (const auto& service : status.services) {
    text += "  " + service.name + "  " + (service.is_running ? "runs" : "does not run") + ", " +
            service.detail + "\n";
    for (const std::string& drift : service.drift)
      text += "    drift: " + drift + "\n";
  }
  for (const std::string& drift : status.drift)
    text += "  drift: " + drift + "\n";
  for (const std::string& ledger : status.ledgers)
    text += "  ledger: " + ledger + "\n";
  text +=
      "  newest restore point: " + (status.newest_point.empty() ? "none" : status.newest_point) +
      "\n";
  if (!status.operation) {
    text += "  in progress: nothing\n";
    return text;
  }
  const auto& operation = *status.operation;
  text += "  in progress: " + operation.plan.operation + " to " + operation.plan.to + ", at '" +
          operation.state + "'\n";
  text += status.owner_is_alive ? "    a belay is at work on it (" + status.owner + ")\n"
                                : "    nobody is at work on it\n";
  text += "    after a crash: " + operation.next + "\n";
  return text;
}

std::string status_json(const app::Status& status) {
  json object{{"stack", status.stack},     {"generation", status.generation},
              {"label", status.label},     {"drift", status.drift},
              {"ledgers", status.ledgers}, {"newest_point", status.newest_point}};
  object["services"] = json::array();
  for (const auto& service : status.services)
    object["services"].push_back({{"name", service.name},
                                  {"running", service.is_running},
                                  {"label", service.label},
                                  {"detail", service.detail},
                                  {"drift", service.drift}});
  if (status.operation)
    object["in_progress"] = {{"operation", status.operation->plan.operation},
                             {"to", status.operation->plan.to},
                             {"state", status.operation->state},
                             {"owner_is_alive", status.owner_is_alive},
                             {"next", status.operation->next}};
  return line_of(object);
}

std::string points_text(const std::vector<app::KnownPoint>& points, world::TimePoint now) {
  std::string text;
  for (const app::KnownPoint& known : points) {
    const state::RestorePoint& point = known.point;
    text +=
        point.id + "  " + age_of(point.at, now) + "  " +
        (point.is_abandoned() ? "abandoned" : "generation " + std::to_string(point.generation)) +
        "  " + (point.label.empty() ? "(nothing ran)" : point.label) + "  " + stores_text(known) +
        "  " + base::format_bytes(known.bytes) + "  " + state_of(known) + "  " +
        base::join(known.places, ", ") + (known.has_copy.value_or(true) ? "" : ", no copy") + "\n";
    if (!point.note.empty())
      text += "    " + base::printable(point.note.substr(0, point.note.find('\n'))) + "\n";
  }
  return text;
}

std::string points_json(const std::vector<app::KnownPoint>& points) {
  std::string text;
  for (const app::KnownPoint& known : points) {
    const state::RestorePoint& point = known.point;
    nlohmann::json line{{"id", point.id},
                        {"at", point.at},
                        {"abandoned", point.is_abandoned()},
                        {"generation", point.generation},
                        {"label", point.label},
                        {"operation", point.operation},
                        {"stores", stores_of(point)},
                        {"bytes", known.bytes},
                        {"given_up", point.given_up},
                        {"note", point.note},
                        {"places", known.places},
                        {"torn", known.torn}};
    if (known.has_copy)
      line["has_copy"] = *known.has_copy;
    text += line_of(line);
  }
  return text;
}

std::string history_text(const std::vector<engine::OperationView>& operations) {
  if (operations.empty())
    return "nothing was done yet\n";
  std::string text;
  for (const auto& operation : operations)
    text += operation.plan.operation + "  " + operation.plan.at + "  " +
            (operation.plan.kind == state::OperationKind::upgrade ? "upgrade" : "rollback") + "  " +
            (operation.plan.to.empty() ? "(restart)" : operation.plan.to) + "  " +
            app::outcome_words(operation) +
            (operation.level ? "  level " + std::string{domain::name_of(*operation.level)} : "") +
            "  " + duration(operation.total_ms) + "\n";
  return text;
}

std::string history_json(const std::vector<engine::OperationView>& operations) {
  std::string text;
  for (const auto& operation : operations)
    text += line_of(
        {{"operation", operation.plan.operation},
         {"at", operation.plan.at},
         {"kind", operation.plan.kind == state::OperationKind::upgrade ? "upgrade" : "rollback"},
         {"to", operation.plan.to},
         {"outcome", operation.outcome ? json(domain::name_of(*operation.outcome)) : json()},
         {"state", operation.state},
         {"level", operation.level ? json(domain::name_of(*operation.level)) : json()},
         {"why", operation.why},
         {"downtime_ms", operation.downtime_ms},
         {"total_ms", operation.total_ms}});
  return text;
}

} // namespace cli
