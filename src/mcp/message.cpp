#include "mcp/message.hpp"

namespace mcp {

using nlohmann::json;

namespace {

constexpr std::size_t method_bytes_max = 200;
constexpr std::size_t id_bytes_max = 1000;
// No message of MCP is deep; what takes it apart recursively must not be led astray.
constexpr int depth_max = 64;

Read refused(int code, std::string message, json id = {}) {
  return {.message = {}, .refusal = {std::move(id), code, std::move(message)}};
}

// Without parsing it: so that nothing deep is ever built.
bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool is_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_text) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        is_text = false;
    } else if (c == '"') {
      is_text = true;
    } else if (c == '[' || c == '{') {
      if (++depth > depth_max)
        return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

bool is_good_id(const json& id) {
  return id.is_number_integer() ||
         (id.is_string() && id.get_ref<const std::string&>().size() <= id_bytes_max);
}

} // namespace

std::string dump(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

Read read_message(std::string_view line) {
  if (is_too_deep(line))
    return refused(invalid_request, "a message of more than 64 levels");
  json object = json::parse(line, nullptr, false);
  if (object.is_discarded())
    return refused(parse_error, "this line is not JSON");
  if (object.is_array())
    return refused(invalid_request, "batches are not part of this protocol: one message a line");
  if (!object.is_object())
    return refused(invalid_request, "a message is an object");
  const auto found = object.find("id");
  const bool has_id = found != object.end();
  if (has_id && !is_good_id(*found))
    return refused(invalid_request, "an id is a text or a whole number");
  Message message;
  message.id = has_id ? *found : json();
  const auto version = object.find("jsonrpc");
  if (version == object.end() || *version != "2.0")
    return refused(invalid_request, "'jsonrpc' must be \"2.0\"", message.id);
  const auto method = object.find("method");
  if (method == object.end() && has_id && (object.contains("result") || object.contains("error"))) {
    message.kind = Message::Kind::response;
    return {.message = std::move(message), .refusal = {}};
  }
  if (method == object.end() || !method->is_string() ||
      method->get_ref<const std::string&>().size() > method_bytes_max)
    return refused(invalid_request, "'method' must be a text", message.id);
  message.kind = has_id ? Message::Kind::request : Message::Kind::notification;
  message.method = method->get<std::string>();
  if (const auto params = object.find("params"); params != object.end()) {
    if (!params->is_object())
      return refused(invalid_params, "'params' must be an object", message.id);
    message.params = std::move(*params);
  }
  return {.message = std::move(message), .refusal = {}};
}

std::string result_line(const json& id, const json& result) {
  return dump({{"jsonrpc", "2.0"}, {"id", id}, {"result", result}});
}

std::string error_line(const Refusal& refusal, const json& data) {
  json error{{"code", refusal.code}, {"message", refusal.message}};
  if (!data.is_null())
    error["data"] = data;
  return dump({{"jsonrpc", "2.0"}, {"id", refusal.id}, {"error", error}});
}

} // namespace mcp
