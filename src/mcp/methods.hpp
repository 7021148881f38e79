#pragma once
// Methods: what each request of the Model Context Protocol is answered, however it came.

#include "errands/stacks.hpp"
#include "mcp/message.hpp"
#include "mcp/tools.hpp"

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <variant>

namespace mcp {

// The newest first: who asks for another one gets that, and may go.
inline constexpr std::array versions{"2025-11-25", "2025-06-18"};
inline constexpr std::size_t pending_max = 32; // requests of one client that are under way

struct Powers {
  // Why a tool is not for who speaks; nothing: it is. What is not is not listed either.
  std::function<std::optional<base::Error>(const Tool& tool)> lacks;
  // Told how a call ended; null: well.
  using Ended = std::function<void(const base::Error* error)>;
  // Asked before a call begins; an error: then it does not. May be empty, and so may what it gives.
  std::function<base::Result<Ended>(const Tool& tool, const nlohmann::json& arguments)> begins;
  std::string instruction; // for an agent that may not all; empty: it may
};

struct MethodOptions {
  std::string version; // of belay
  Powers powers;
};

// A request that is under way. Whoever drops it stops what only looks; an operation that was begun
// goes on.
struct Pending {
  nlohmann::json id;
  Poller poll;
  std::function<nlohmann::json(const nlohmann::json&)> shape; // of the result
  bool is_tool = false; // then an error is a result that the agent can read
  Powers::Ended ended;

  // The line that answers it; nothing: not yet. Never waits, and is not asked again after the line.
  std::optional<std::string> line() const;
};

using Answer = std::variant<std::string, Pending>; // a line, or what comes later

class Methods {
public:
  Methods(errands::Stacks stacks, MethodOptions options);

  struct Hello {
    std::string line;
    bool is_good = false; // else it was refused, and may be said again
  };
  Hello initialize(const Message& message) const;
  // Of any other request. `is_busy`: so many are under way that none may be added.
  Answer take(const Message& message, bool is_busy);

private:
  std::string list_tools(const Message& message) const;
  Answer call_tool(const Message& message, bool is_busy);
  Answer begin(const Message& message, const Tool& tool, const nlohmann::json& arguments);
  std::string list_resources(const Message& message);
  std::string list_templates(const Message& message) const;
  Answer read_resource(const Message& message, bool is_busy);

  errands::Stacks stacks_;
  MethodOptions options_;
};

} // namespace mcp
