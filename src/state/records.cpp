#include "state/records.hpp"

#include <functional>

#include <nlohmann/json.hpp>

namespace state {
namespace {

using base::Error;
using base::ErrorKind;
using base::Result;
using nlohmann::json;

constexpr int format_version = 1;

json to(const domain::Release& release) {
  return {{"service", release.service},
          {"label", release.label},
          {"folder", release.folder},
          {"digest", release.digest}};
}
domain::Release release_from(const json& from) {
  return {.service = from.at("service"),
          .label = from.at("label"),
          .folder = from.at("folder"),
          .digest = from.at("digest")};
}

json to(const ConfigCopy& copy) {
  return {{"path", copy.path}, {"exists", copy.exists}, {"mode", copy.mode},
          {"user", copy.user}, {"group", copy.group},   {"sha256", copy.sha256}};
}
ConfigCopy config_from(const json& from) {
  return {.path = from.at("path"),
          .exists = from.at("exists"),
          .mode = from.at("mode"),
          .user = from.at("user"),
          .group = from.at("group"),
          .sha256 = from.at("sha256")};
}

json to(const domain::Snapshot& snapshot) {
  return {{"store", snapshot.store}, {"kept", snapshot.kept},   {"digest", snapshot.digest},
          {"files", snapshot.files}, {"bytes", snapshot.bytes}, {"secured", snapshot.is_secured}};
}
domain::Snapshot snapshot_from(const json& from) {
  return {.store = from.at("store"),
          .kept = from.at("kept"),
          .digest = from.at("digest"),
          .files = from.at("files"),
          .bytes = from.at("bytes"),
          .is_secured = from.at("secured")};
}

json to(const domain::Finding& finding) {
  return {
      {"check", finding.check}, {"level", domain::name_of(finding.level)}, {"text", finding.text}};
}
domain::Finding finding_from(const json& from) {
  domain::Finding finding{.check = from.at("check"), .text = from.at("text")};
  for (const auto level : {domain::FindingLevel::warning, domain::FindingLevel::blocker})
    if (from.at("level") == domain::name_of(level))
      finding.level = level;
  return finding;
}

json to(const domain::GivenEvidence& evidence) {
  return {{"name", evidence.name}, {"value", evidence.value}};
}
domain::GivenEvidence evidence_from(const json& from) {
  return {.name = from.at("name"), .value = from.at("value")};
}

json to(const LevelChoice& choice) {
  return {{"level", domain::name_of(choice.level)},
          {"why_not", choice.why_not},
          {"downtime_ms", choice.downtime_ms},
          {"price", choice.price}};
}
LevelChoice level_from(const json& from) {
  return {.level = domain::level_named(from.at("level").get<std::string>())
                       .value_or(domain::Level::automatic),
          .why_not = from.at("why_not"),
          .downtime_ms = from.at("downtime_ms"),
          .price = from.at("price")};
}

template <class Value>
json list(const std::vector<Value>& values) {
  json array = json::array();
  for (const Value& value : values)
    array.push_back(to(value));
  return array;
}

template <class Read>
auto values(const json& array, Read read) {
  std::vector<decltype(read(array))> found;
  for (const json& each : array)
    found.push_back(read(each));
  return found;
}

std::vector<std::string> texts(const json& array) {
  return array.get<std::vector<std::string>>();
}

// Bytes that are not UTF-8 (paths) must not throw: they are replaced, and shown as such.
std::string dump(const json& value) {
  return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

// Parse, check the format, and let `read` take the fields; what it throws stops here.
template <class Value>
Result<Value> read_record(std::string_view text, const char* format,
                          const std::function<Value(const json&)>& read) {
  const json parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object() || !parsed.contains(format) || !parsed[format].is_number_integer())
    return Error{ErrorKind::corrupt, std::string{"not a "} + format + " record", ""};
  if (parsed[format].get<std::int64_t>() > format_version)
    return Error{ErrorKind::too_new, std::string{format} + " record is from a newer belay",
                 "Use the belay that wrote it, or a newer one."};
  try {
    return read(parsed);
  } catch (const json::exception& exception) {
    return Error{ErrorKind::corrupt,
                 std::string{format} + " record is damaged: " + exception.what(), ""};
  }
}

} // namespace

std::string to_json(const Generation& generation) {
  return dump({{"generation", format_version},
               {"number", generation.number},
               {"stack", generation.stack},
               {"at", generation.at},
               {"label", generation.label},
               {"operation", generation.operation},
               {"point", generation.point},
               {"releases", list(generation.releases)},
               {"config", list(generation.config)}});
}

Result<Generation> generation_from_json(std::string_view text) {
  return read_record<Generation>(text, "generation", [](const json& from) {
    return Generation{.number = from.at("number"),
                      .stack = from.at("stack"),
                      .at = from.at("at"),
                      .label = from.at("label"),
                      .operation = from.at("operation"),
                      .point = from.at("point"),
                      .releases = values(from.at("releases"), release_from),
                      .config = values(from.at("config"), config_from)};
  });
}

std::string to_json(const RestorePoint& point) {
  return dump({{"restore_point", format_version},
               {"id", point.id},
               {"stack", point.stack},
               {"at", point.at},
               {"operation", point.operation},
               {"generation", point.generation},
               {"label", point.label},
               {"releases", list(point.releases)},
               {"config", list(point.config)},
               {"snapshots", list(point.snapshots)},
               {"given_up", point.given_up},
               {"note", point.note}});
}

Result<RestorePoint> point_from_json(std::string_view text) {
  return read_record<RestorePoint>(text, "restore_point", [](const json& from) {
    return RestorePoint{.id = from.at("id"),
                        .stack = from.at("stack"),
                        .at = from.at("at"),
                        .operation = from.at("operation"),
                        .generation = from.at("generation"),
                        .label = from.at("label"),
                        .releases = values(from.at("releases"), release_from),
                        .config = values(from.at("config"), config_from),
                        .snapshots = values(from.at("snapshots"), snapshot_from),
                        .given_up = texts(from.at("given_up")),
                        .note = from.at("note")};
  });
}

std::string to_json(const Plan& plan) {
  json object{{"plan", format_version},
              {"operation", plan.operation},
              {"kind", plan.kind == OperationKind::upgrade ? "upgrade" : "rollback"},
              {"stack", plan.stack},
              {"at", plan.at},
              {"to", plan.to},
              {"point", plan.point},
              {"abandoned", plan.abandoned},
              {"level", domain::name_of(plan.level)},
              {"auto_rollback", plan.auto_rollback},
              {"generation_from", plan.generation_from},
              {"generation_to", plan.generation_to},
              {"releases_from", list(plan.releases_from)},
              {"config_digest", plan.config_digest},
              {"basis", plan.basis},
              {"steps", plan.steps},
              {"blockers", plan.blockers},
              {"warnings", plan.warnings},
              {"changes", plan.changes},
              {"decides_level", plan.decides_level},
              {"disk_bytes", plan.disk_bytes},
              {"disk_free_bytes", plan.disk_free_bytes},
              {"downtime_ms", plan.downtime_ms},
              {"total_ms", plan.total_ms},
              {"prediction_from", plan.prediction_from}};
  if (!plan.evidence.empty())
    object["evidence"] = list(plan.evidence);
  if (!plan.findings.empty())
    object["checks"] = list(plan.findings);
  if (plan.is_compatible)
    object["compatible"] = true;
  if (!plan.migrations.empty())
    object["migrations"] = plan.migrations;
  if (!plan.levels.empty()) {
    object["levels"] = list(plan.levels);
    object["picked"] = domain::name_of(plan.picked);
    object["reasons"] = plan.reasons;
  }
  return dump(object);
}

Result<Plan> plan_from_json(std::string_view text) {
  return read_record<Plan>(text, "plan", [](const json& from) {
    const auto level = domain::level_named(from.at("level").get<std::string>());
    return Plan{
        .operation = from.at("operation"),
        .kind = from.at("kind") == "rollback" ? OperationKind::rollback : OperationKind::upgrade,
        .stack = from.at("stack"),
        .at = from.at("at"),
        .to = from.at("to"),
        .point = from.at("point"),
        .abandoned = from.at("abandoned"),
        .level = level.value_or(domain::Level::automatic),
        .auto_rollback = from.at("auto_rollback"),
        .is_compatible = from.value("compatible", false),
        .generation_from = from.at("generation_from"),
        .generation_to = from.at("generation_to"),
        .releases_from = values(from.at("releases_from"), release_from),
        .config_digest = from.at("config_digest"),
        .basis = from.at("basis"),
        .steps = texts(from.at("steps")),
        .blockers = texts(from.at("blockers")),
        .warnings = texts(from.at("warnings")),
        .evidence = values(from.value("evidence", json::array()), evidence_from),
        .findings = values(from.value("checks", json::array()), finding_from),
        .changes = texts(from.at("changes")),
        .migrations = texts(from.value("migrations", json::array())),
        .levels = values(from.value("levels", json::array()), level_from),
        .picked =
            domain::level_named(from.value("picked", "auto")).value_or(domain::Level::automatic),
        .reasons = texts(from.value("reasons", json::array())),
        .decides_level = from.at("decides_level"),
        .disk_bytes = from.at("disk_bytes"),
        .disk_free_bytes = from.at("disk_free_bytes"),
        .downtime_ms = from.at("downtime_ms"),
        .total_ms = from.at("total_ms"),
        .prediction_from = from.at("prediction_from")};
  });
}

} // namespace state
