#pragma once
// Routes: the HTTP API as one table: it answers requests, and makes the OpenAPI document and the
// reference page.

#include "admission/audit.hpp"
#include "admission/guard.hpp"
#include "errands/place.hpp"
#include "serve/pages.hpp"
#include "world/http_server.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace api {

struct Site {
  app::Host host;      // names no belay.yaml
  std::string program; // what runs an errand
  std::shared_ptr<admission::Guard> guard;
  std::shared_ptr<admission::AuditLog> audit; // may be null: there is no place for it
  std::shared_ptr<admission::Tokens> tokens;  // the same
};

using Query = std::map<std::string, std::string>; // "limit": "20"

struct Asked { // one request, checked against its route
  const Site& site;
  const serve::Board& board; // of the stacks that the caller may see
  const admission::Caller& caller;
  world::TimePoint now;
  std::map<std::string, std::string> path; // "stack": "shop"
  Query query;
  nlohmann::json body;    // an object of texts and of lists of texts
  std::string key;        // Idempotency-Key
  std::string last_event; // Last-Event-ID
  std::string over;       // for the audit log: "http from 192.0.2.7"
};

struct Field { // of a query or of a body
  const char* name;
  const char* type; // "string", "integer", "array" (of texts)
  const char* description;
  bool is_required = false;
  std::vector<const char*> values = {}; // of a string; empty: any
};

struct Route {
  const char* method;
  const char* path; // "/v1/stacks/{stack}"
  const char* id;   // operationId
  const char* summary;
  admission::Role role; // of who may ask it
  std::vector<Field> query;
  std::vector<Field> body; // of a POST
  int status;              // when all is well
  const char* schema;      // its name in schemas(); "": a stream of events
  base::Result<world::ServedResponse> (*run)(const Asked& asked);
  bool is_done_unwritten = false; // also when the audit log cannot be written
};

const std::vector<Route>& routes();
nlohmann::json schemas(); // by name

// Every request below /v1. Errors are problem details (RFC 9457).
world::ServedResponse answer(const Site& site, serve::Board board,
                             const world::ServedRequest& request);
world::ServedResponse problem_of(const admission::Refused& refused);

std::string openapi(const std::string& version); // OpenAPI 3.1, JSON
std::string reference_page();                    // Markdown

// For the files of this folder.
world::ServedResponse json_answer(int status, const nlohmann::json& page);
world::ServedResponse problem_of(const base::Error& error);
world::ServedResponse problem(int status, const std::string& detail, const std::string& hint = "");
std::string header_of(const world::ServedRequest& request, std::string_view name); // "": none
// What a stream says while its caller would still be let in.
std::function<std::optional<std::string>()>
while_let_in(std::function<std::optional<std::string>()> more, const Site& site,
             const admission::Caller& caller);
std::string asked_over(const world::ServedRequest& request, const std::string& face);

} // namespace api
