#pragma once
// Server: one session of the Model Context Protocol over lines: lines in, lines out. What it may do
// was decided by who started it.

#include "mcp/methods.hpp"
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
  Server(errands::Stacks stacks, world::Clock& clock, const ServerOptions& options,
         std::function<void(const std::string& line)> say);

  // Until the other side ends, or somebody asks us to stop. What only looks is stopped then; an
  // operation that was begun goes on.
  void run(world::LineInput& input);

  void take(const world::InputLine& line);
  void answer_what_is_ready();
  bool is_waiting() const { return !pending_.empty(); }

private:
  void take_notification(const Message& message);
  void take_request(const Message& message);
  void initialize(const Message& message);
  void refuse(const nlohmann::json& id, int code, const std::string& text);

  Methods methods_;
  world::Clock& clock_;
  std::function<void(const std::string&)> say_;
  bool is_initialized_ = false;
  std::vector<Pending> pending_;
};

} // namespace mcp
