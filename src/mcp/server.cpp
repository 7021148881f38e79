#include "mcp/server.hpp"

#include <algorithm>

namespace mcp {

using base::Error;
using base::ErrorKind;
using nlohmann::json;
using world::InputLine;

namespace {

constexpr auto look_again = world::Milliseconds{30};
constexpr auto idle = world::Milliseconds{1000};

MethodOptions methods_for(const ServerOptions& options) {
  MethodOptions all{.version = options.version, .powers = {}};
  all.powers.lacks = [may_operate = options.may_operate](const Tool& tool) -> std::optional<Error> {
    if (may_operate || tool.reach != Reach::changes)
      return std::nullopt;
    return Error{ErrorKind::invalid_input, "this server was started to look only",
                 "A person can start it with: belay mcp --allow operate"};
  };
  if (!options.may_operate)
    all.powers.instruction =
        "This server was started to look only: it has no tools that change anything.";
  return all;
}

} // namespace

Server::Server(errands::Stacks stacks, world::Clock& clock, const ServerOptions& options,
               std::function<void(const std::string& line)> say)
    : methods_{std::move(stacks), methods_for(options)}, clock_{clock}, say_{std::move(say)} {}

void Server::run(world::LineInput& input) {
  while (!clock_.stop_requested()) {
    const InputLine line = input.next(pending_.empty() ? idle : look_again);
    if (line.kind == InputLine::Kind::end)
      break;
    take(line);
    answer_what_is_ready();
  }
  pending_.clear();
}

void Server::take(const InputLine& line) {
  if (line.kind == InputLine::Kind::too_long)
    return refuse({}, invalid_request, "a message of more than 1 MiB");
  const bool is_blank = line.text.find_first_not_of(" \t\r") == std::string::npos;
  if (line.kind != InputLine::Kind::line || is_blank)
    return;
  const Read read = read_message(line.text);
  if (!read.message)
    return refuse(read.refusal.id, read.refusal.code, read.refusal.message);
  switch (read.message->kind) {
  case Message::Kind::request: return take_request(*read.message);
  case Message::Kind::notification: return take_notification(*read.message);
  case Message::Kind::response: return; // we ask nothing
  }
}

void Server::answer_what_is_ready() {
  for (std::size_t i = 0; i < pending_.size();) {
    const auto line = pending_[i].line();
    if (!line) {
      ++i;
      continue;
    }
    pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(i));
    say_(*line);
  }
}

void Server::take_notification(const Message& message) {
  if (message.method != "notifications/cancelled")
    return; // initialized, and what we do not know
  const auto id = message.params.find("requestId");
  if (id != message.params.end())
    std::erase_if(pending_, [&](const Pending& pending) { return pending.id == *id; });
}

void Server::take_request(const Message& message) {
  if (std::ranges::any_of(pending_, [&](const Pending& each) { return each.id == message.id; }))
    return refuse(message.id, invalid_request, "a request with this id is still under way");
  if (message.method == "initialize")
    return initialize(message);
  if (!is_initialized_ && message.method != "ping")
    return refuse(message.id, invalid_request, "the first request must be 'initialize'");
  auto answer = methods_.take(message, pending_.size() >= pending_max);
  if (auto* pending = std::get_if<Pending>(&answer))
    pending_.push_back(std::move(*pending));
  else
    say_(std::get<std::string>(answer));
}

void Server::initialize(const Message& message) {
  if (is_initialized_)
    return refuse(message.id, invalid_request, "it was initialized already");
  const Methods::Hello hello = methods_.initialize(message);
  is_initialized_ = hello.is_good;
  say_(hello.line);
}

void Server::refuse(const json& id, int code, const std::string& text) {
  say_(error_line({id, code, text}));
}

} // namespace mcp
