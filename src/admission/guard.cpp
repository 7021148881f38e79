#include "admission/guard.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace admission {

namespace {

constexpr auto failure_costs = std::chrono::seconds{6};
constexpr world::Milliseconds failures_at_once = 10 * failure_costs;
constexpr std::size_t peers_max = 1000;

Refused challenge(const std::string& detail, const std::string& error) {
  return {
      .status = 401,
      .detail = detail,
      .hint = "Send 'Authorization: Bearer ...' with a token of 'belay token create'.",
      .headers = {{"WWW-Authenticate",
                   "Bearer realm=\"belay\"" + (error.empty() ? "" : ", error=\"" + error + "\"")}}};
}

} // namespace

bool Caller::may_see(const std::string& stack) const {
  return stacks.empty() || std::ranges::find(stacks, stack) != stacks.end();
}

std::optional<world::Milliseconds> FailureLimit::fail(const std::string& peer,
                                                      world::Milliseconds now) {
  if (even_at_.size() >= peers_max && !even_at_.contains(peer)) {
    std::erase_if(even_at_, [&](const auto& each) { return each.second <= now; });
    if (even_at_.size() >= peers_max)
      even_at_.erase(
          std::ranges::min_element(even_at_, {}, [](const auto& each) { return each.second; }));
  }
  world::Milliseconds& even_at = even_at_[peer];
  const world::Milliseconds next = std::max(even_at, now) + failure_costs;
  if (next > now + failures_at_once)
    return next - now - failures_at_once;
  even_at = next;
  return std::nullopt;
}

std::variant<Caller, Refused> Guard::who(const world::ServedRequest& request) {
  const BearerHeader bearer = bearer_of(request);
  if (bearer.kind == Bearer::absent && request.user &&
      (*request.user == 0 || *request.user == own_uid_))
    return Caller{.name = "user " + std::to_string(*request.user),
                  .role = Role::administer,
                  .stacks = {},
                  .digest = {}};
  if (bearer.kind == Bearer::absent)
    return challenge("nothing says who asks", "");
  if (bearer.kind == Bearer::malformed)
    return fail(request.peer, challenge("that is no token of belay", "invalid_token"));
  const auto tokens = Tokens{world_, folder_}.list();
  if (!tokens)
    return Refused{.status = 503,
                   .detail = tokens.error().message,
                   .hint = tokens.error().hint,
                   .headers = {}};
  const Token* token = find(tokens.value(), bearer.secret);
  if (token == nullptr)
    return fail(request.peer,
                challenge("that token is not known, or was revoked", "invalid_token"));
  if (token->expires && *token->expires <= world_.clock.now())
    return fail(request.peer, challenge("the token has expired", "invalid_token"));
  return Caller{.name = "token " + token->name,
                .role = token->role,
                .stacks = token->stacks,
                .digest = token->digest};
}

bool Guard::is_still(const Caller& caller) {
  if (caller.digest.empty())
    return true;
  const auto tokens = Tokens{world_, folder_}.list();
  return tokens && std::ranges::any_of(tokens.value(), [&](const Token& token) {
           return base::is_same_secret(token.digest, caller.digest) &&
                  (!token.expires || *token.expires > world_.clock.now());
         });
}

// Only who fails is held back: behind one address there may be many, and a token that is right
// cannot have been guessed.
Refused Guard::fail(const std::string& peer, Refused refused) {
  std::optional<world::Milliseconds> quiet;
  {
    const std::lock_guard held{mutex_};
    quiet = limit_.fail(peer, world_.clock.monotonic());
  }
  if (!quiet) {
    tell_("refused a request from " + (peer.empty() ? "the UNIX socket" : peer) + ": " +
          refused.detail);
    return refused;
  }
  const auto seconds = (quiet->count() + 999) / 1000;
  return {.status = 429,
          .detail = "too many requests with a token that is not good",
          .hint = "Look at the token before you try again.",
          .headers = {{"Retry-After", std::to_string(std::max<std::int64_t>(1, seconds))}}};
}

std::optional<Refused> lacks(const Caller& caller, Role wanted, const std::string& stack) {
  if (!stack.empty() && !caller.may_see(stack))
    return Refused{.status = 403,
                   .detail =
                       "this token is not for stack '" + base::printable(stack.substr(0, 64)) + "'",
                   .hint = "GET /v1/stacks lists those that it is for.",
                   .headers = {}};
  if (caller.role >= wanted && wanted == Role::administer && stack.empty() &&
      !caller.stacks.empty())
    return Refused{.status = 403,
                   .detail = "that is about every stack, and this token is for some",
                   .hint = "Make an admin's token without --stack: 'belay token create'.",
                   .headers = {}};
  if (caller.role >= wanted)
    return std::nullopt;
  const std::string name{name_of(wanted)};
  return Refused{
      .status = 403,
      .detail = "this token may not: it is for a" +
                std::string{caller.role == Role::operate ? "n " : " "} +
                std::string{name_of(caller.role)},
      .hint = "That takes the role '" + name + "': 'belay token create'.",
      .headers = {{"WWW-Authenticate",
                   R"(Bearer realm="belay", error="insufficient_scope", scope=")" + name + "\""}}};
}

} // namespace admission
