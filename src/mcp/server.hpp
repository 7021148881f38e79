#pragma once
// Server: one session of the Model Context Protocol: lines in, lines out. What it may do was
// decided by who started it.

#include "errands/stacks.hpp"
#include "mcp/message.hpp"
#include "mcp/tools.hpp"
#include "world/line_input.hpp"

#include <functional>
#include <string>
#include <vector>

namespace mcp {

struct ServerOptions {
  std::string version;      // of belay
  bool may_operate = false; // else it only looks
};

class Server {
public:
  // `say` writes one line, without its newline.
  Server(errands::Stacks stacks, world::Clock& clock, ServerOptions options,
         std::function<void(const std::string& line)> say);

  // Until the other side ends, or somebody asks us to stop. What only looks is stopped then; an
  // operation that was begun goes on.
  void run(world::LineInput& input);

  void take(const world::InputLine& line);
  void answer_what_is_ready();
  bool is_waiting() const { return !pending_.empty(); }

private:
  struct Pending {
    nlohmann::json id;
    Poller poll;
    std::function<nlohmann::json(const nlohmann::json&)> shape; // of the result
    bool is_tool = false; // then an error is a result that the agent can read
  };
  void take_notification(const Message& message);
  void take_request(const Message& message);
  void initialize(const Message& message);
  void call_tool(const Message& message);
  void list_tools(const Message& message);
  void list_resources(const Message& message);
  void list_templates(const Message& message);
  void read_resource(const Message& message);
  void wait_for(Pending pending);
  void refuse(const nlohmann::json& id, int code, const std::string& text,
              const nlohmann::json& data = {});
  void answer(const nlohmann::json& id, const nlohmann::json& result);

  errands::Stacks stacks_;
  world::Clock& clock_;
  ServerOptions options_;
  std::function<void(const std::string&)> say_;
  bool is_initialized_ = false;
  std::vector<Pending> pending_;
};

} // namespace mcp
