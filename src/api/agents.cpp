#include "api/agents.hpp"

#include "api/audited.hpp"
#include "base/text.hpp"
#include "mcp/methods.hpp"

#include <algorithm>

namespace api {

using admission::Caller;
using admission::Role;
using base::Error;
using base::ErrorKind;
using base::Result;
using mcp::Message;
using nlohmann::json;
using world::ServedRequest;
using world::ServedResponse;

namespace {

constexpr auto look_again_after = world::Milliseconds{200};
constexpr auto beat_after = std::chrono::seconds{15}; // so that what stands between keeps it open

Role role_for(const mcp::Tool& tool) {
  return tool.reach == mcp::Reach::looks ? Role::look : Role::operate;
}

std::vector<std::string> call_arguments(const json& arguments) {
  std::vector<std::string> all;
  for (const auto& argument : arguments.items())
    all.push_back(argument.key() + "=" +
                  (argument.value().is_string() ? argument.value().get<std::string>()
                                                : mcp::dump(argument.value())));
  return all;
}

mcp::Powers powers_of(const Site& site, const Caller& caller, const ServedRequest& request) {
  mcp::Powers powers;
  powers.lacks = [caller](const mcp::Tool& tool) -> std::optional<Error> {
    const auto refused = admission::lacks(caller, role_for(tool), "");
    if (!refused)
      return std::nullopt;
    return Error{ErrorKind::invalid_input, refused->detail, refused->hint};
  };
  if (caller.role < Role::operate)
    powers.instruction = "This token is for a viewer: there are no tools that plan or change "
                         "anything.";
  if (site.audit)
    powers.begins = [audit = site.audit, who = caller.name, over = asked_over(request, "mcp")](
                        const mcp::Tool& tool,
                        const json& arguments) -> Result<mcp::Powers::Ended> {
      if (tool.reach == mcp::Reach::looks)
        return mcp::Powers::Ended{};
      const auto begun = TRY(write_begin(
          *audit,
          {.who = who, .over = over, .what = tool.name, .arguments = call_arguments(arguments)}));
      return mcp::Powers::Ended{[audit, begun](const Error* error) {
        write_end(*audit, begun, error == nullptr ? 200 : problem_of(*error).status);
      }};
    };
  return powers;
}

// The stacks that the caller may see. Their belay.yaml were read by the daemon: not all of them are
// read again for each request.
errands::Stacks stacks_of(const Site& site, const serve::Board& board) {
  std::vector<errands::KnownStack> known;
  for (const serve::StackView& view : board.stacks)
    known.push_back(
        {.name = view.stack, .config_path = view.config_path, .problem = view.config_problem});
  return {site.host, site.program, std::move(known)};
}

ServedResponse empty_answer(int status) {
  return {.status = status,
          .content_type = "application/json",
          .headers = {},
          .body = {},
          .later = {},
          .more = {}};
}

ServedResponse line_answer(int status, const std::string& line) {
  ServedResponse answer = empty_answer(status);
  answer.body = line + "\n";
  return answer;
}

std::string event_with(const std::string& line) {
  return "event: message\ndata: " + line + "\n\n";
}

// What a request takes, which may be asked for again and again.
class Underway {
public:
  Underway(mcp::Pending pending, std::shared_ptr<Ticket> ticket, world::Clock& clock)
      : pending_{std::move(pending)}, ticket_{std::move(ticket)}, clock_{clock},
        beat_at_{clock.monotonic() + beat_after} {}

  bool is_cancelled() const { return ticket_->is_cancelled(); }
  const json& id() const { return pending_.id; }
  // The line that answers it; nothing: not yet.
  std::optional<std::string> line() {
    const auto now = clock_.monotonic();
    if (now < look_at_)
      return std::nullopt;
    look_at_ = now + look_again_after;
    return pending_.line();
  }
  // As a stream: its answer is its only event.
  std::optional<std::string> event() {
    if (has_answered_ || is_cancelled())
      return std::nullopt;
    if (const auto ready = line()) {
      has_answered_ = true;
      return event_with(*ready);
    }
    if (clock_.monotonic() < beat_at_)
      return "";
    beat_at_ = clock_.monotonic() + beat_after;
    return ": still here\n\n";
  }

private:
  mcp::Pending pending_;
  std::shared_ptr<Ticket> ticket_;
  world::Clock& clock_;
  world::Milliseconds look_at_{0};
  world::Milliseconds beat_at_;
  bool has_answered_ = false;
};

ServedResponse later_answer(const std::shared_ptr<Underway>& underway) {
  ServedResponse answer;
  answer.later = [underway]() -> std::optional<ServedResponse> {
    if (underway->is_cancelled()) // who sent it waits no more, but HTTP wants an answer
      return line_answer(
          200, mcp::error_line({underway->id(), mcp::invalid_request, "it was cancelled"}));
    const auto line = underway->line();
    return line ? std::optional{line_answer(200, *line)} : std::nullopt;
  };
  return answer;
}

struct Accepts { // what who asks can read
  bool takes_json = false;
  bool takes_stream = false;
};

Accepts accepts_of(const ServedRequest& request) {
  const std::string accept = header_of(request, "accept");
  const auto has = [&](std::string_view type) { return accept.find(type) != std::string::npos; };
  return {.takes_json =
              accept.empty() || has("application/json") || has("*/*") || has("application/*"),
          .takes_stream = has("text/event-stream")};
}

std::string owner_of(const Caller& caller) {
  return caller.digest.empty() ? caller.name : caller.digest;
}

// What is wrong with a request before its message is read.
std::optional<ServedResponse> wrong_with(const ServedRequest& request) {
  if (request.is_body_too_large)
    return problem(413, "the body is larger than 64 KiB");
  if (!header_of(request, "content-type").starts_with("application/json"))
    return problem(415, "a message is of type application/json");
  if (const Accepts accepts = accepts_of(request); !accepts.takes_json && !accepts.takes_stream)
    return problem(406, "an answer is of type application/json or text/event-stream",
                   "Send 'Accept: application/json, text/event-stream'.");
  const std::string version = header_of(request, "mcp-protocol-version");
  if (!version.empty() && std::ranges::find(mcp::versions, version) == mcp::versions.end())
    return problem(400, "that version of the protocol is not spoken here",
                   "These are: " + base::join({mcp::versions.begin(), mcp::versions.end()}, ", ") +
                       ". Begin with 'initialize'.");
  return std::nullopt;
}

} // namespace

bool is_local_origin(std::string_view origin) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!origin.starts_with(scheme))
      continue;
    std::string_view host = origin.substr(scheme.size());
    const auto port = host.rfind(':');
    if (port != std::string_view::npos && host.find(']', port) == std::string_view::npos) {
      const std::string_view digits = host.substr(port + 1);
      if (digits.empty() || digits.size() > 5 ||
          !std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; }))
        return false;
      host = host.substr(0, port);
    }
    return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
  }
  return false;
}

ServedResponse Agents::answer(serve::Board board, const ServedRequest& request) {
  const std::string origin = header_of(request, "origin");
  if (!origin.empty() && !is_local_origin(origin))
    return problem(403,
                   "a page of '" + base::printable(origin.substr(0, 100)) +
                       "' may not speak to this server",
                   "Agents send no 'Origin', or that of a page of this machine.");
  const auto who = site_.guard->who(request);
  if (const auto* refused = std::get_if<admission::Refused>(&who))
    return problem_of(*refused);
  const auto& caller = std::get<Caller>(who);
  if (request.method == "POST") {
    std::erase_if(board.stacks, [&](const auto& view) { return !caller.may_see(view.stack); });
    return post(board, request, caller);
  }
  if (request.method == "DELETE")
    return sessions_.close(header_of(request, "mcp-session-id"), owner_of(caller))
               ? empty_answer(204)
               : problem(404, "there is no such session");
  ServedResponse refused =
      problem(405, "this address takes POST and DELETE", "There is no stream but the answers'.");
  refused.headers.emplace_back("Allow", "POST, DELETE");
  return refused;
}

ServedResponse Agents::post(const serve::Board& board, const ServedRequest& request,
                            const Caller& caller) {
  if (auto wrong = wrong_with(request))
    return *std::move(wrong);
  const mcp::Read read = mcp::read_message(request.body);
  if (!read.message)
    return line_answer(400, mcp::error_line(read.refusal));
  const Message& message = *read.message;
  mcp::Methods methods{stacks_of(site_, board),
                       {.version = board.version, .powers = powers_of(site_, caller, request)}};
  const std::string id = header_of(request, "mcp-session-id");
  const bool is_request = message.kind == Message::Kind::request;
  if (is_request && message.method == "initialize" && id.empty()) {
    const auto hello = methods.initialize(message);
    ServedResponse answer = line_answer(200, hello.line);
    if (hello.is_good)
      answer.headers.emplace_back("Mcp-Session-Id", sessions_.open(owner_of(caller)));
    return answer;
  }
  if (id.empty())
    return problem(400, "'Mcp-Session-Id' is missing", "Begin with 'initialize'.");
  const auto session = sessions_.find(id, owner_of(caller));
  if (!session)
    return problem(404, "there is no such session", "Begin with 'initialize'.");
  if (is_request)
    return take(message, methods, *session, request, caller);
  if (message.method == "notifications/cancelled" && message.params.contains("requestId"))
    session->cancel(mcp::dump(message.params["requestId"]));
  return empty_answer(202);
}

ServedResponse Agents::take(const Message& message, mcp::Methods& methods, Session& session,
                            const ServedRequest& request, const Caller& caller) {
  const auto refuse = [&](const char* why) {
    return line_answer(200, mcp::error_line({message.id, mcp::invalid_request, why}));
  };
  if (message.method == "initialize")
    return refuse("it was initialized already");
  const bool is_busy = session.is_busy();
  auto ticket = session.begin(mcp::dump(message.id));
  if (!ticket)
    return refuse("a request with this id is still under way");
  auto answered = methods.take(message, is_busy);
  const Accepts accepts = accepts_of(request);
  if (const auto* line = std::get_if<std::string>(&answered)) {
    ServedResponse answer = line_answer(200, *line);
    if (!accepts.takes_json) {
      answer.content_type = "text/event-stream";
      answer.body = event_with(*line);
    }
    return answer;
  }
  const auto underway = std::make_shared<Underway>(std::get<mcp::Pending>(std::move(answered)),
                                                   std::move(ticket), site_.host.world.clock);
  if (!accepts.takes_stream)
    return later_answer(underway);
  ServedResponse answer = empty_answer(200);
  answer.content_type = "text/event-stream";
  answer.more = while_let_in([underway] { return underway->event(); }, site_, caller);
  return answer;
}

} // namespace api
