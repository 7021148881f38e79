#include "api/audited.hpp"
#include "api/routes.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <optional>

namespace api {

using base::Error;
using base::ErrorKind;
using base::Result;
using nlohmann::json;
using world::ServedRequest;
using world::ServedResponse;

namespace {

constexpr std::size_t text_bytes_max = 1000;
constexpr std::size_t key_bytes_max = 200;
constexpr std::size_t list_max = 100;
constexpr int depth_max = 32;
constexpr auto let_in_for = std::chrono::seconds{1}; // then a stream's token is looked at again

std::string dump(const json& page) {
  return page.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

const char* title_of(int status) {
  switch (status) {
  case 400: return "Bad Request";
  case 401: return "Unauthorized";
  case 403: return "Forbidden";
  case 404: return "Not Found";
  case 405: return "Method Not Allowed";
  case 406: return "Not Acceptable";
  case 409: return "Conflict";
  case 413: return "Content Too Large";
  case 415: return "Unsupported Media Type";
  case 429: return "Too Many Requests";
  case 503: return "Service Unavailable";
  default: return "Internal Server Error";
  }
}

const char* type_of(int status) {
  switch (status) {
  case 400: return "invalid";
  case 401: return "unauthorized";
  case 403: return "forbidden";
  case 404: return "not-found";
  case 405: return "method";
  case 406: return "not-acceptable";
  case 409: return "conflict";
  case 413: return "too-large";
  case 415: return "media-type";
  case 429: return "too-many";
  case 503: return "unavailable";
  default: return "failed";
  }
}

// The values of "{stack}" in a path; nothing: it is another route.
std::optional<std::map<std::string, std::string>> match(const char* route,
                                                        const std::string& path) {
  const auto wanted = base::split(route, '/');
  const auto given = base::split(path, '/');
  if (wanted.size() != given.size())
    return std::nullopt;
  std::map<std::string, std::string> values;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].starts_with('{'))
      values[wanted[i].substr(1, wanted[i].size() - 2)] = given[i];
    else if (wanted[i] != given[i])
      return std::nullopt;
  }
  return values;
}

const Field* find(const std::vector<Field>& fields, const std::string& name) {
  const auto found =
      std::ranges::find_if(fields, [&](const Field& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

Error wrong(std::string message) {
  return {ErrorKind::invalid_input, std::move(message), ""};
}

Result<> check_text(const Field& field, const std::string& text) {
  if (text.size() > text_bytes_max || text.find('\0') != std::string::npos)
    return wrong("'" + std::string{field.name} + "' is too long, or no text");
  if (!field.values.empty() && std::ranges::find(field.values, text) == field.values.end())
    return wrong("'" + std::string{field.name} + "' must be one of " +
                 base::join({field.values.begin(), field.values.end()}, ", "));
  return base::ok();
}

Result<> take_query(Asked& asked, const Route& route, const ServedRequest& request) {
  for (const auto& [name, value] : request.query) {
    const Field* field = find(route.query, name);
    if (field == nullptr)
      return wrong("there is no parameter '" + base::printable(name.substr(0, 64)) + "'");
    TRY(check_text(*field, value));
    const bool is_number = !value.empty() && value.size() < 10 &&
                           std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
    if (std::string_view{field->type} == "integer" && !is_number)
      return wrong("'" + name + "' must be a whole number");
    asked.query[name] = value;
  }
  return base::ok();
}

Result<> check_member(const Field& field, const json& value) {
  const bool is_list = std::string_view{field.type} == "array";
  const Error no_text =
      wrong("'" + std::string{field.name} + "' must be a " + (is_list ? "list of texts" : "text"));
  if (!is_list)
    return value.is_string() ? check_text(field, value.get<std::string>()) : no_text;
  if (!value.is_array())
    return no_text;
  if (value.size() > list_max)
    return wrong("'" + std::string{field.name} + "' holds too many");
  for (const json& each : value)
    TRY(each.is_string() ? check_text(field, each.get<std::string>()) : no_text);
  return base::ok();
}

// Without parsing: nothing deep is ever built.
bool is_too_deep(const std::string& text) {
  return std::ranges::count_if(text, [](char c) { return c == '[' || c == '{'; }) > depth_max;
}

Result<> take_body(Asked& asked, const Route& route, const ServedRequest& request) {
  asked.body = json::object();
  if (!request.body.empty()) {
    asked.body = is_too_deep(request.body) ? json() : json::parse(request.body, nullptr, false);
    if (!asked.body.is_object())
      return wrong("the body must be a JSON object");
  }
  for (const auto& member : asked.body.items()) {
    const Field* field = find(route.body, member.key());
    if (field == nullptr)
      return wrong("there is no member '" + base::printable(member.key().substr(0, 64)) + "'");
    TRY(check_member(*field, member.value()));
  }
  for (const Field& field : route.body)
    if (field.is_required && (!asked.body.contains(field.name) || asked.body[field.name] == ""))
      return wrong("'" + std::string{field.name} + "' is missing");
  return base::ok();
}

Result<> take_headers(Asked& asked, const ServedRequest& request) {
  asked.key = header_of(request, "idempotency-key");
  asked.last_event = header_of(request, "last-event-id");
  if (asked.key.size() > key_bytes_max || asked.last_event.size() > key_bytes_max)
    return wrong("a header is too long");
  return base::ok();
}

struct Wanted {
  const Route& route;
  std::map<std::string, std::string> path;
  const admission::Caller& caller;
};

ServedResponse run(const Site& site, serve::Board& board, const ServedRequest& request,
                   Wanted wanted) {
  const Route& route = wanted.route;
  const auto stack = wanted.path.find("stack");
  if (const auto refused = admission::lacks(wanted.caller, route.role,
                                            stack == wanted.path.end() ? "" : stack->second))
    return problem_of(*refused);
  std::erase_if(board.stacks, [&](const auto& view) { return !wanted.caller.may_see(view.stack); });
  if (request.is_body_too_large)
    return problem(413, "the body is larger than 64 KiB");
  if (!request.body.empty() && !header_of(request, "content-type").starts_with("application/json"))
    return problem(415, "a body is of type application/json");
  Asked asked{.site = site,
              .board = board,
              .caller = wanted.caller,
              .now = site.host.world.clock.now(),
              .path = std::move(wanted.path),
              .query = {},
              .body = {},
              .key = {},
              .last_event = {},
              .over = asked_over(request, "http")};
  for (const Result<>& taken : {take_query(asked, route, request), take_body(asked, route, request),
                                take_headers(asked, request)})
    if (!taken)
      return problem_of(taken.error());
  auto answered = run_audited(asked, route);
  if (!answered)
    return problem_of(answered.error());
  ServedResponse answer = std::move(answered).value();
  if (answer.more)
    answer.more = while_let_in(std::move(answer.more), site, wanted.caller);
  return answer;
}

} // namespace

std::string header_of(const ServedRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.headers)
    if (key == name)
      return value;
  return "";
}

std::string asked_over(const ServedRequest& request, const std::string& face) {
  return request.peer.empty() ? face : face + " from " + request.peer;
}

std::function<std::optional<std::string>()>
while_let_in(std::function<std::optional<std::string>()> more, const Site& site,
             const admission::Caller& caller) {
  return [more = std::move(more), guard = site.guard, &clock = site.host.world.clock, caller,
          look_at = world::Milliseconds{0}]() mutable -> std::optional<std::string> {
    const auto now = clock.monotonic();
    if (now >= look_at && !guard->is_still(caller))
      return std::nullopt;
    look_at = now >= look_at ? now + let_in_for : look_at;
    return more();
  };
}

ServedResponse json_answer(int status, const json& page) {
  return {.status = status,
          .content_type = "application/json",
          .headers = {},
          .body = dump(page),
          .later = {},
          .more = {}};
}

ServedResponse problem(int status, const std::string& detail, const std::string& hint) {
  json page{{"type", std::string{"urn:belay:problem:"} + type_of(status)},
            {"title", title_of(status)},
            {"status", status},
            {"detail", detail}};
  if (!hint.empty())
    page["hint"] = hint;
  ServedResponse answer = json_answer(status, page);
  answer.content_type = "application/problem+json";
  return answer;
}

ServedResponse problem_of(const Error& error) {
  int status = 500;
  switch (error.kind) {
  case ErrorKind::invalid_input: status = 400; break;
  case ErrorKind::not_found: status = 404; break;
  case ErrorKind::conflict:
  case ErrorKind::locked: status = 409; break;
  case ErrorKind::unavailable:
  case ErrorKind::not_now: status = 503; break;
  default: break;
  }
  return problem(status, error.message, error.hint);
}

ServedResponse problem_of(const admission::Refused& refused) {
  ServedResponse answer = problem(refused.status, refused.detail, refused.hint);
  answer.headers = refused.headers;
  return answer;
}

ServedResponse answer(const Site& site, serve::Board board, const ServedRequest& request) {
  const auto who = site.guard->who(request);
  if (const auto* refused = std::get_if<admission::Refused>(&who))
    return problem_of(*refused);
  std::string allowed;
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  for (const Route& route : routes()) {
    auto path = match(route.path, request.path);
    if (!path)
      continue;
    if (method == route.method)
      return run(
          site, board, request,
          {.route = route, .path = *std::move(path), .caller = std::get<admission::Caller>(who)});
    allowed += (allowed.empty() ? "" : ", ") + std::string{route.method};
  }
  if (allowed.empty())
    return problem(404, "there is no such path", "GET /v1/openapi.json tells all of them.");
  ServedResponse refused = problem(405, "this path takes " + allowed);
  refused.headers.emplace_back("Allow", allowed);
  return refused;
}

} // namespace api
