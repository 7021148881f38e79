// Config, the part that tells people and editors what belay.yaml may hold.
#include "base/text.hpp"
#include "config/config.hpp"
#include "config/options.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace config {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view introduction = R"(# belay.yaml

<!-- Generated from the table of options (src/config/options.cpp). A test says when it is stale. -->

The one file that says what a stack is. `belay config` prints the effective one: every value, also
those you left out, each with where it came from. Editors check it with
[`belay.schema.json`](belay.schema.json).

- YAML, one document. Anchors, aliases and `<<` work. `true` and `false` are the only booleans.
- Unknown keys, duplicate keys and wrong types are errors that name file, line and column.
- Durations have a unit: `500ms`, `20s`, `10m`, `1h30m`, `2d`. Sizes: `512MiB`, `4GB`.
- Paths are relative to the folder of belay.yaml. `{project}` stands for that folder, everywhere.
- Commands are lists of words; no shell is involved. A first word with a slash is a path.

## Variables

| written | becomes |
|---|---|
| `${VAR}` or `$VAR` | its value; an error when it is not set |
| `${VAR:-text}` | its value, or `text` when it is not set or empty |
| `${VAR-text}` | its value, or `text` when it is not set |
| `${VAR:?text}`, `${VAR?text}` | its value, or an error that says `text` |
| `${VAR:+text}`, `${VAR+text}` | `text` when it is set (`:`: and not empty), else nothing |
| `$$` | a dollar sign |

In values, not in keys. From the environment of belay, then from `env_file`.

## Secrets

`bearer`, and values of `env`, take references: `file:PATH` (a plain file that only its owner may
read: `chmod 600`) or `env:VARIABLE` (of belay's own environment). belay reads a secret when it is
used, and never prints it, logs it or keeps it.
)";

std::string_view words_for(const Option& option) {
  switch (option.type) {
  case Type::name: return "name";
  case Type::text: return "text";
  case Type::path: return "path";
  case Type::url: return "URL";
  case Type::endpoint: return "host:port";
  case Type::unit: return "name of a unit";
  case Type::boolean: return "true or false";
  case Type::integer: return "whole number";
  case Type::number: return "number";
  case Type::duration: return "duration";
  case Type::size: return "size";
  case Type::choice: return "one of";
  case Type::secret: return "secret reference";
  case Type::sha256: return "64 hex digits";
  case Type::words: return "list of words";
  case Type::paths: return "list of paths";
  case Type::names: return "list of names";
  case Type::inner_paths: return "list of paths inside it";
  case Type::json_values: return "map: JSON path to value";
  case Type::headers: return "map of text";
  case Type::variables: return "map: variable to text or secret reference";
  case Type::runtime: return "name of a runtime";
  case Type::section: return "section";
  case Type::named: return "map of names to sections";
  case Type::list: return "list of sections";
  }
  return "";
}

std::string placeholders_in_words(std::string_view text) {
  return base::fill(text, {{"state", "<state>"}, {"service", "<service>"}, {"number", "<number>"}});
}

std::string default_cell(const Option& option) {
  if (option.is_required)
    return "**required**";
  if (!option.by_default.empty())
    return "`" + placeholders_in_words(option.by_default) + "`";
  if (option.is_alternative)
    return "one of them";
  return option.type == Type::section ? "its defaults" : "none";
}

std::string doc_cell(const Option& option) {
  std::string text{option.doc};
  if (!option.only_with.empty())
    text += " Only with `" + base::join(base::split(option.only_with, ' '), "` or `") + "`.";
  return text;
}

std::string type_cell(const Option& option) {
  std::string text{words_for(option)};
  if (option.type == Type::choice)
    text += " `" + base::join(base::split(option.values, ' '), "` `") + "`";
  if (option.type == Type::integer)
    text += ", " + std::to_string(option.low) + " to " + std::to_string(option.high);
  return text;
}

std::string shape_markdown(const Shape& shape) {
  std::string text = "\n## " + std::string{shape.title} + "\n\n" + std::string{shape.doc} +
                     "\n\n| key | type | default | meaning |\n|---|---|---|---|\n";
  const auto row = [&](const Option& option) {
    text += "| `" + std::string{option.key} + "` | " + type_cell(option) + " | " +
            default_cell(option) + " | " + doc_cell(option) + " |\n";
  };
  std::ranges::for_each(shape.own, row);
  std::ranges::for_each(shape.shared, row);
  return text;
}

// A variable may stand where a text of a certain form is wanted; only belay can judge that.
Json scalar_schema(Json wanted) {
  return {
      {"anyOf", Json::array({std::move(wanted), Json{{"type", "string"}, {"pattern", "\\$"}}})}};
}

Json reference_to(std::string_view shape) {
  return {{"$ref", "#/$defs/" + std::string{shape}}};
}

Json text_schema() {
  return {{"type", Json::array({"string", "number", "boolean"})}};
}

Json pattern_schema(const char* pattern) {
  return scalar_schema({{"type", "string"}, {"pattern", pattern}});
}

Json list_schema(Json items) {
  return {{"type", "array"}, {"items", std::move(items)}};
}

Json map_schema(Json values) {
  return {{"type", "object"}, {"additionalProperties", std::move(values)}};
}

Json choice_schema(const Option& option) {
  Json words = base::split(option.values, ' ');
  if (option.key == "signal")
    for (const std::string& word : base::split(option.values, ' '))
      words.push_back("SIG" + word);
  return scalar_schema({{"enum", std::move(words)}});
}

Json type_schema(const Option& option) {
  switch (option.type) {
  case Type::name: return pattern_schema("^[a-z0-9][a-z0-9-]{0,62}$");
  case Type::text: return text_schema();
  case Type::path: return {{"type", "string"}, {"minLength", 1}};
  case Type::url: return pattern_schema("^https?://");
  case Type::endpoint: return pattern_schema(":[0-9]{1,5}$");
  case Type::unit: return pattern_schema("^[A-Za-z0-9:_.@\\\\-]+[.]service$");
  case Type::boolean: return scalar_schema({{"type", "boolean"}});
  case Type::integer:
    return scalar_schema({{"type", "integer"}, {"minimum", option.low}, {"maximum", option.high}});
  case Type::number: return scalar_schema({{"type", "number"}});
  case Type::duration: return pattern_schema("^(0|([0-9]+(ms|s|m|h|d))+)$");
  case Type::size: return pattern_schema("^[0-9]+([KMGT]i?B?|B)?$");
  case Type::choice: return choice_schema(option);
  case Type::secret: return pattern_schema("^(file:.+|env:[A-Za-z_][A-Za-z0-9_]*)$");
  case Type::sha256: return pattern_schema("^[0-9a-f]{64}$");
  case Type::words: {
    Json list = list_schema(option.values.empty() ? text_schema() : choice_schema(option));
    list["minItems"] = 1;
    return list;
  }
  case Type::paths:
    if (option.key == "env_file")
      return {
          {"anyOf", Json::array({Json{{"type", "string"}}, list_schema({{"type", "string"}})})}};
    return list_schema({{"type", "string"}});
  case Type::names:
  case Type::inner_paths: return list_schema({{"type", "string"}});
  case Type::json_values:
    return map_schema({{"type", Json::array({"string", "number", "boolean", "null"})}});
  case Type::headers: return map_schema(text_schema());
  case Type::variables:
    return map_schema(
        {{"anyOf", Json::array({text_schema(), Json{{"type", "object"},
                                                    {"required", Json::array({"text"})},
                                                    {"properties", {{"text", text_schema()}}},
                                                    {"additionalProperties", false}}})}});
  case Type::runtime:
    return {{"anyOf", Json::array({Json{{"const", "process"}},
                                   Json{{"type", "object"},
                                        {"required", Json::array({"process"})},
                                        {"properties", {{"process", {{"type", "object"}}}}},
                                        {"additionalProperties", false}}})}};
  case Type::section: return reference_to(option.shape);
  case Type::named: {
    Json map = map_schema(reference_to(option.shape));
    map["propertyNames"] = {{"pattern", "^[a-z0-9][a-z0-9-]{0,62}$"}};
    if (option.is_required)
      map["minProperties"] = 1;
    return map;
  }
  case Type::list: return list_schema(reference_to(option.shape));
  }
  return {};
}

Json shape_schema(const Shape& shape) {
  Json properties = Json::object();
  Json required = Json::array();
  Json alternatives = Json::array();
  bool may_choose_none = false;
  const auto add = [&](const Option& option) {
    Json schema = type_schema(option);
    schema["description"] = doc_cell(option);
    if (!option.by_default.empty() && !option.is_alternative)
      schema["markdownDescription"] =
          doc_cell(option) + " Default: `" + placeholders_in_words(option.by_default) + "`.";
    properties[std::string{option.key}] = std::move(schema);
    if (option.is_required && option.only_with.empty())
      required.push_back(option.key);
    if (option.is_alternative)
      alternatives.push_back(Json{{"required", Json::array({option.key})}});
    may_choose_none = may_choose_none || (option.is_alternative && !option.by_default.empty());
  };
  std::ranges::for_each(shape.own, add);
  std::ranges::for_each(shape.shared, add);
  Json schema{{"type", "object"},
              {"description", shape.doc},
              {"properties", std::move(properties)},
              {"additionalProperties", false}};
  if (!required.empty())
    schema["required"] = std::move(required);
  if (may_choose_none)
    alternatives.push_back(Json{{"not", {{"anyOf", alternatives}}}});
  if (!alternatives.empty())
    schema["oneOf"] = std::move(alternatives);
  return schema;
}

} // namespace

std::string reference_markdown() {
  std::string text{introduction};
  for (const Shape& shape : all_shapes())
    text += shape_markdown(shape);
  return text;
}

std::string json_schema() {
  Json schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "belay.yaml"}};
  schema.update(shape_schema(all_shapes().front()));
  Json shapes = Json::object();
  for (const Shape& shape : all_shapes().subspan(1))
    shapes[std::string{shape.name}] = shape_schema(shape);
  schema["$defs"] = std::move(shapes);
  return schema.dump(2) + "\n";
}

} // namespace config
