#pragma once
// Agents: the Model Context Protocol over streamable HTTP, at one address: what `belay mcp` answers
// over lines, to who has a token, as far as its role and its stacks go.

#include "api/routes.hpp"
#include "api/sessions.hpp"
#include "mcp/methods.hpp"

#include <string_view>

namespace api {

constexpr const char* agents_path = "/mcp";

class Agents {
public:
  explicit Agents(Site site) : site_{std::move(site)}, sessions_{site_.host.world} {}

  // Every request for agents_path. Without what the protocol allows and we have no use for: a GET
  // is refused (we say nothing unasked), and a stream that broke is not resumed.
  world::ServedResponse answer(serve::Board board, const world::ServedRequest& request);

private:
  world::ServedResponse post(const serve::Board& board, const world::ServedRequest& request,
                             const admission::Caller& caller);
  world::ServedResponse take(const mcp::Message& message, mcp::Methods& methods, Session& session,
                             const world::ServedRequest& request, const admission::Caller& caller);
  Site site_;
  Sessions sessions_;
};

// Whether a browser that sends this `Origin` shows a page of this machine. Another one's page may
// reach us by a name that was made to lead here (DNS rebinding).
bool is_local_origin(std::string_view origin);

} // namespace api
