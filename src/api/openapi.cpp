// The OpenAPI document and the reference page, made from the table of routes.

#include "api/routes.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace api {

using nlohmann::json;

namespace {

json schema_of(const Field& field) {
  json schema{{"type", field.type}};
  if (std::string_view{field.type} == "array")
    schema["items"] = {{"type", "string"}};
  if (!field.values.empty())
    schema["enum"] = field.values;
  if (std::string_view{field.type} == "integer") {
    schema["minimum"] = 1;
    schema["maximum"] = 200;
  }
  return schema;
}

json reference(const char* schema) {
  return {{"$ref", std::string{"#/components/schemas/"} + schema}};
}

std::vector<std::string> names_in(const char* path) {
  std::vector<std::string> names;
  for (const std::string& part : base::split(path, '/'))
    if (part.starts_with('{'))
      names.push_back(part.substr(1, part.size() - 2));
  return names;
}

json parameters_of(const Route& route) {
  json all = json::array();
  for (const std::string& name : names_in(route.path))
    all.push_back(
        {{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
  for (const Field& field : route.query)
    all.push_back({{"name", field.name},
                   {"in", "query"},
                   {"description", field.description},
                   {"schema", schema_of(field)}});
  if (std::string_view{route.id} == "createOperation")
    all.push_back({{"name", "Idempotency-Key"},
                   {"in", "header"},
                   {"description", "the same request with it again is the same operation"},
                   {"schema", {{"type", "string"}, {"maxLength", 200}}}});
  if (std::string_view{route.schema}.empty())
    all.push_back({{"name", "Last-Event-ID"},
                   {"in", "header"},
                   {"description", "only events after this one"},
                   {"schema", {{"type", "string"}}}});
  return all;
}

json body_of(const Route& route) {
  json properties = json::object();
  json required = json::array();
  for (const Field& field : route.body) {
    json schema = schema_of(field);
    schema["description"] = field.description;
    properties[field.name] = schema;
    if (field.is_required)
      required.push_back(field.name);
  }
  return {{"required", true},
          {"content",
           {{"application/json",
             {{"schema",
               {{"type", "object"},
                {"properties", properties},
                {"required", required},
                {"additionalProperties", false}}}}}}}};
}

json responses_of(const Route& route) {
  const bool is_stream = std::string_view{route.schema}.empty();
  json good{{"description", route.summary}};
  if (is_stream)
    good["content"]["text/event-stream"]["schema"] = {{"type", "string"}};
  else
    good["content"]["application/json"]["schema"] = reference(route.schema);
  if (route.status != 200)
    good["headers"]["Location"] = {{"description", "where it is"},
                                   {"schema", {{"type", "string"}}}};
  json all{{std::to_string(route.status), good}};
  for (const char* status : {"4XX", "5XX"})
    all[status] = {{"description", "what is wrong, as problem details (RFC 9457)"},
                   {"content", {{"application/problem+json", {{"schema", reference("Problem")}}}}}};
  return all;
}

json security_schemes() {
  return {{"token",
           {{"type", "http"},
            {"scheme", "bearer"},
            {"description", "of `belay token create`; a viewer looks, an operator also plans and "
                            "carries out, an admin also makes and revokes tokens, and reads the "
                            "audit log"}}}};
}

json document(const std::string& version) {
  json paths = json::object();
  for (const Route& route : routes()) {
    std::string method = route.method;
    std::ranges::transform(method, method.begin(),
                           [](char c) { return static_cast<char>(c - 'A' + 'a'); });
    json operation{
        {"operationId", route.id}, {"summary", route.summary}, {"responses", responses_of(route)}};
    if (const json parameters = parameters_of(route); !parameters.empty())
      operation["parameters"] = parameters;
    if (!route.body.empty())
      operation["requestBody"] = body_of(route);
    operation["security"] =
        json::array({{{"token", json::array({admission::name_of(route.role)})}}, json::object()});
    paths[route.path][method] = operation;
  }
  return {
      {"openapi", "3.1.0"},
      {"info",
       {{"title", "belay"},
        {"version", version},
        {"description",
         "Upgrades what you host, and brings it back with its data. Answered by `belay serve`: "
         "on its UNIX socket to its owner and root, who may do all; over TCP to who has a "
         "token, which may what its role may, and see the stacks that it is for."}}},
      {"servers", json::array({{{"url", "http://belay"}, {"description", "over the UNIX socket"}},
                               {{"url", "http://127.0.0.1:8970"},
                                {"description", "over TCP, as --listen says"}}})},
      {"paths", paths},
      {"components", {{"schemas", schemas()}, {"securitySchemes", security_schemes()}}}};
}

} // namespace

std::string openapi(const std::string& version) {
  return document(version).dump(2) + "\n";
}

std::string reference_page() {
  std::string text =
      "# HTTP API\n\nMade from the table that answers: `belay manual --format api`. "
      "How it is used: [guide](../guide/api.md). The OpenAPI document: `belay manual "
      "--format openapi`, or `GET /v1/openapi.json`.\n";
  for (const Route& route : routes()) {
    text += "\n## " + std::string{route.method} + " " + route.path + "\n\n" + route.summary +
            ". Answers " + std::to_string(route.status) +
            (std::string_view{route.schema}.empty() ? ", a stream of events"
                                                    : std::string{", `"} + route.schema + "`") +
            ". Role: " + std::string{admission::name_of(route.role)} + ".\n";
    if (!route.query.empty() || !route.body.empty())
      text += "\n";
    for (const auto* fields : {&route.query, &route.body})
      for (const Field& field : *fields)
        text +=
            "* `" + std::string{field.name} + "`" + (field.is_required ? ", required" : "") + ": " +
            field.description +
            (field.values.empty()
                 ? ""
                 : ": `" + base::join({field.values.begin(), field.values.end()}, "`, `") + "`") +
            "\n";
  }
  return text;
}

} // namespace api
