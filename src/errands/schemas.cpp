#include "errands/schemas.hpp"

#include <string>

namespace errands {

using nlohmann::json;

namespace {

const json text{{"type", "string"}};
const json number{{"type", "integer"}};
const json flag{{"type", "boolean"}};
const json texts{{"type", "array"}, {"items", text}};

json or_null(const char* type) {
  return {{"type", json::array({type, "null"})}};
}

// All of them are required.
json object(json properties) {
  json required = json::array();
  for (const auto& [name, schema] : properties.items())
    required.push_back(name);
  return {{"type", "object"}, {"properties", std::move(properties)}, {"required", required}};
}

json list_of(const json& item) {
  return {{"type", "array"}, {"items", item}};
}

} // namespace

json stacks_schema() {
  return object({{"stacks", list_of(object({{"stack", or_null("string")},
                                            {"config", text},
                                            {"problem", or_null("string")}}))}});
}

json status_schema() {
  return object({{"stack", text},
                 {"generation", number},
                 {"label", text},
                 {"newest_point", text},
                 {"drift", texts},
                 {"services", list_of(object({{"name", text},
                                              {"running", flag},
                                              {"label", text},
                                              {"detail", text},
                                              {"drift", texts}}))}});
}

json points_schema() {
  return object({{"points", list_of(object({{"id", text},
                                            {"at", text},
                                            {"abandoned", flag},
                                            {"generation", number},
                                            {"label", text},
                                            {"bytes", number},
                                            {"places", texts}}))},
                 {"out_of_reach", list_of(object({{"message", text}}))}});
}

json operations_schema() {
  return object({{"operations", list_of(object({{"operation", text},
                                                {"at", text},
                                                {"kind", text},
                                                {"to", text},
                                                {"outcome", or_null("string")},
                                                {"why", text}}))}});
}

json report_schema() {
  return object({{"operation", text},
                 {"kind", text},
                 {"stack", text},
                 {"outcome", or_null("string")},
                 {"why", text},
                 {"next", text},
                 {"changes", texts}});
}

json schedule_schema() {
  return object({{"routines", list_of(object({{"routine", text},
                                              {"when", text},
                                              {"next", or_null("string")},
                                              {"last_success", or_null("string")},
                                              {"outcome", text},
                                              {"is_running", flag}}))}});
}

json plan_schema() {
  return object({{"id", text},
                 {"digest", text},
                 {"kind", text},
                 {"stack", text},
                 {"expires_at", text},
                 {"is_blocked", flag},
                 {"plan", object({{"operation", text},
                                  {"to", text},
                                  {"steps", texts},
                                  {"blockers", texts},
                                  {"warnings", texts},
                                  {"downtime_ms", number}})}});
}

json errand_schema() {
  json schema = object({{"id", text},
                        {"kind", text},
                        {"stack", text},
                        {"state", text},
                        {"outcome", or_null("string")},
                        {"exit_status", or_null("integer")},
                        {"detail", text},
                        {"hint", text},
                        {"step", text}});
  schema["properties"]["state"]["enum"] = {"planned", "expired", "running", "ended"};
  return schema;
}

json followed_schema() {
  json schema = errand_schema();
  schema["properties"]["events"] = list_of({{"type", "object"}});
  schema["properties"]["next"] = number;
  schema["required"].push_back("events");
  schema["required"].push_back("next");
  return schema;
}

} // namespace errands
