#pragma once
// Message: JSON-RPC 2.0 as MCP speaks it, one message a line. Pure.

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace mcp {

enum ErrorCode {
  parse_error = -32700,
  invalid_request = -32600,
  method_not_found = -32601,
  invalid_params = -32602,
  internal_error = -32603,
  busy = -32000,
  resource_not_found = -32002,
};

struct Message {
  enum class Kind { request, notification, response };
  Kind kind = Kind::request;
  nlohmann::json id; // text or a whole number; null in a notification
  std::string method;
  nlohmann::json params = nlohmann::json::object();
};

struct Refusal {     // what is answered to a line that is no message
  nlohmann::json id; // null when it could not be read
  int code = invalid_request;
  std::string message;
};

struct Read {
  std::optional<Message> message; // or else
  Refusal refusal;
};
// Of any bytes. A batch is refused: MCP took batches out in 2025-06-18.
Read read_message(std::string_view line);

std::string dump(const nlohmann::json& object); // one line; broken UTF-8 is replaced

// One line each, without its newline; broken UTF-8 is replaced.
std::string result_line(const nlohmann::json& id, const nlohmann::json& result);
std::string error_line(const Refusal& refusal, const nlohmann::json& data = {});

} // namespace mcp
