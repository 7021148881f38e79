#include "api/routes.hpp"

#include "api/handlers.hpp"
#include "errands/schemas.hpp"

namespace api {

using admission::Role;
using nlohmann::json;

namespace {

const Field limit{"limit", "integer", "so many at most: 1 to 200, 50 if left out"};
const Field cursor{"cursor", "string", "`next_cursor` of the page before"};

std::vector<Route> looking_routes() {
  return {
      {"GET",
       "/v1/stacks",
       "listStacks",
       "The stacks that are served",
       Role::look,
       {limit, cursor},
       {},
       200,
       "StackPage",
       list_stacks},
      {"GET",
       "/v1/stacks/{stack}",
       "getStack",
       "What runs of a stack, and what is in progress",
       Role::look,
       {},
       {},
       200,
       "Stack",
       get_stack},
      {"GET",
       "/v1/stacks/{stack}/points",
       "listPoints",
       "Restore points and abandoned sets, oldest first, and where each of them is",
       Role::look,
       {limit, cursor},
       {},
       200,
       "PointPage",
       list_points},
      {"GET",
       "/v1/stacks/{stack}/schedule",
       "getSchedule",
       "What is done when by the clock, and how it went",
       Role::look,
       {},
       {},
       200,
       "Schedule",
       get_schedule},
      {"GET",
       "/v1/stacks/{stack}/reports",
       "listReports",
       "Every upgrade and rollback, whoever began it, oldest first",
       Role::look,
       {limit, cursor},
       {},
       200,
       "ReportPage",
       list_reports},
      {"GET",
       "/v1/stacks/{stack}/reports/{operation}",
       "getReport",
       "Why an upgrade or rollback went as it went",
       Role::look,
       {},
       {},
       200,
       "Report",
       get_report},
      {"GET",
       "/v1/admin/ops/summary",
       "getSummary",
       "Of every stack: what runs by the clock, last and next backup, checks, what is in progress",
       Role::look,
       {limit, cursor},
       {},
       200,
       "SummaryPage",
       get_summary},
      {"GET",
       "/v1/openapi.json",
       "getOpenapi",
       "This document",
       Role::look,
       {},
       {},
       200,
       "Any",
       get_openapi}};
}

std::vector<Route> administering_routes() {
  return {{"GET",
           "/v1/admin/tokens",
           "listTokens",
           "The tokens that there are, expired ones too; without their secrets, which nobody keeps",
           Role::administer,
           {limit, cursor},
           {},
           200,
           "TokenPage",
           list_tokens},
          {"POST",
           "/v1/admin/tokens",
           "createToken",
           "Make a token. Its secret is told here, once",
           Role::administer,
           {},
           {{"name", "string", "letters, digits, '.', '_', '-'; at most 64", true},
            {"role", "string", "what it may", true, {"viewer", "operator", "admin"}},
            {"stacks", "array", "only for these stacks; every one if left out"},
            {"expires", "string", "after so long, as 30d or 12h, or never; 90d if left out"}},
           201,
           "NewToken",
           create_token},
          {"GET",
           "/v1/admin/tokens/{token}",
           "getToken",
           "A token, without its secret",
           Role::administer,
           {},
           {},
           200,
           "Token",
           get_token},
          {"DELETE",
           "/v1/admin/tokens/{token}",
           "revokeToken",
           "Let a token in no more, from now on. What it began goes on",
           Role::administer,
           {},
           {},
           200,
           "Token",
           revoke_token,
           true}, // whoever has lost a token wants it dead, log or no log
          {"GET",
           "/v1/admin/audit",
           "listAudit",
           "Who asked for what, the newest first",
           Role::administer,
           {limit, cursor},
           {},
           200,
           "AuditPage",
           list_audit},
          {"GET",
           "/v1/admin/audit/verification",
           "verifyAudit",
           "Whether every record of the audit log follows from the one before, and the head, to be "
           "kept "
           "elsewhere",
           Role::administer,
           {{"head", "string", "one that was kept: whether its record is there still"}},
           {},
           200,
           "AuditVerification",
           verify_audit}};
}

std::vector<Route> all_routes() {
  std::vector<Route> all = looking_routes();
  const std::vector<Route> more{
      {"POST",
       "/v1/stacks/{stack}/plans",
       "createPlan",
       "Plan an upgrade or a rollback; nothing is changed, and the plan lives fifteen minutes",
       Role::operate,
       {},
       {{"kind", "string", "what is planned", true, {"upgrade", "rollback"}},
        {"to", "string",
         "label of the release; of a rollback: a restore point on this machine, "
         "what ran before if left out"},
        {"level",
         "string",
         "of a rollback: how far; auto decides by evidence",
         false,
         {"auto", "restart", "release", "data", "full"}}},
       201,
       "Plan",
       create_plan},
      {"GET",
       "/v1/stacks/{stack}/plans/{plan}",
       "getPlan",
       "A plan, begun or not",
       Role::look,
       {},
       {},
       200,
       "KeptPlan",
       get_plan},
      {"POST",
       "/v1/stacks/{stack}/operations",
       "createOperation",
       "Carry out exactly a plan; take a restore point, read one (verify), try one beside the data "
       "(drill), bring a copy of one into the state folder (restore), or let go those that "
       "`backup.keep` does not keep (forget); or end what is in progress: accept the new release "
       "now, or go back. It goes on whoever leaves. With the same Idempotency-Key, or the same "
       "plan, it is the same operation",
       Role::operate,
       {},
       {{"kind",
         "string",
         "what is done",
         true,
         {"apply", "backup", "verify", "drill", "restore", "forget", "commit", "abort"}},
        {"plan", "string", "of apply: id of the plan"},
        {"digest", "string", "of apply: its digest, as it was told"},
        {"point", "string",
         "of verify and drill: id of a restore point, the newest if left out; of restore: its id"},
        {"store", "string", "of restore: this store alone"}},
       202,
       "Operation",
       create_operation},
      {"GET",
       "/v1/stacks/{stack}/operations",
       "listOperations",
       "What was asked for over HTTP or MCP, the newest first: plans, too",
       Role::look,
       {limit, cursor},
       {},
       200,
       "OperationPage",
       list_operations},
      {"GET",
       "/v1/stacks/{stack}/operations/{operation}",
       "getOperation",
       "How far one of them is, or how it ended",
       Role::look,
       {},
       {},
       200,
       "Operation",
       get_operation},
      {"GET",
       "/v1/stacks/{stack}/operations/{operation}/events",
       "followOperation",
       "Its events as they come (text/event-stream), after Last-Event-ID if it is given; the last "
       "one is `end`, with the operation",
       Role::look,
       {},
       {},
       200,
       "",
       follow_operation}};
  for (const std::vector<Route>& each : {more, administering_routes()})
    all.insert(all.end(), each.begin(), each.end());
  return all;
}

json page_of(const json& item) {
  return {{"type", "object"},
          {"properties",
           {{"items", {{"type", "array"}, {"items", item}}},
            {"next_cursor", {{"type", json::array({"string", "null"})}}}}},
          {"required", {"items", "next_cursor"}}};
}

json items_of(const json& schema, const char* list) {
  return schema["properties"][list]["items"];
}

json schema_of_text_or_null() {
  return {{"type", json::array({"string", "null"})}};
}

json object(json properties) {
  json required = json::array();
  for (const auto& property : properties.items())
    required.push_back(property.key());
  return {{"type", "object"}, {"properties", std::move(properties)}, {"required", required}};
}

json summary_schema() {
  const json text{{"type", "string"}};
  return object({{"stack", text},
                 {"status", text},
                 {"checks", {{"type", "object"}, {"additionalProperties", text}}},
                 {"running", schema_of_text_or_null()},
                 {"operation", schema_of_text_or_null()},
                 {"is_operation_abandoned", {{"type", "boolean"}}},
                 {"last_backup", {{"type", json::array({"object", "null"})}}},
                 {"next_backup", schema_of_text_or_null()},
                 {"restore_points", {{"type", json::array({"integer", "null"})}}}});
}

json token_schema() {
  const json text{{"type", "string"}};
  return object({{"name", text},
                 {"role", {{"type", "string"}, {"enum", {"viewer", "operator", "admin"}}}},
                 {"stacks", {{"type", "array"}, {"items", text}}},
                 {"by", text},
                 {"created", text},
                 {"expires", schema_of_text_or_null()}});
}

json new_token_schema() {
  json schema = token_schema();
  schema["properties"]["secret"] = {{"type", "string"}};
  schema["required"].push_back("secret");
  return schema;
}

json audit_schema() {
  const json text{{"type", "string"}};
  const json number{{"type", "integer"}};
  json schema = object({{"number", number},
                        {"event", {{"type", "string"}, {"enum", {"begin", "end"}}}},
                        {"at", text},
                        {"who", text},
                        {"over", text},
                        {"what", text}});
  schema["properties"]["arguments"] = {{"type", "array"}, {"items", text}};
  schema["properties"]["of"] = number;
  schema["properties"]["status"] = number;
  return schema;
}

json verification_schema() {
  return object({{"is_whole", {{"type", "boolean"}}},
                 {"problem", schema_of_text_or_null()},
                 {"records", {{"type", json::array({"integer", "null"})}}},
                 {"head", schema_of_text_or_null()}});
}

} // namespace

const std::vector<Route>& routes() {
  static const std::vector<Route> all = all_routes();
  return all;
}

json schemas() {
  const json text{{"type", "string"}};
  json kept = errands::plan_schema();
  kept["properties"]["state"] = errands::errand_schema()["properties"]["state"];
  kept["required"].push_back("state");
  return {
      {"Any", {{"type", "object"}}},
      {"AuditPage", page_of(audit_schema())},
      {"AuditVerification", verification_schema()},
      {"KeptPlan", kept},
      {"NewToken", new_token_schema()},
      {"Operation", errands::errand_schema()},
      {"OperationPage", page_of({{"$ref", "#/components/schemas/Operation"}})},
      {"Plan", errands::plan_schema()},
      {"PointPage", page_of(items_of(errands::points_schema(), "points"))},
      {"Problem",
       object(
           {{"type", text}, {"title", text}, {"status", {{"type", "integer"}}}, {"detail", text}})},
      {"Report", errands::report_schema()},
      {"ReportPage", page_of(items_of(errands::operations_schema(), "operations"))},
      {"Schedule", errands::schedule_schema()},
      {"Stack", errands::status_schema()},
      {"StackPage", page_of(object({{"stack", text},
                                    {"config", text},
                                    {"status", text},
                                    {"problem", schema_of_text_or_null()},
                                    {"operation", schema_of_text_or_null()}}))},
      {"SummaryPage", page_of(summary_schema())},
      {"Token", token_schema()},
      {"TokenPage", page_of({{"$ref", "#/components/schemas/Token"}})}};
}

} // namespace api
