#include "admission/tokens.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace admission {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

constexpr std::size_t tokens_max = 1000;
constexpr std::size_t tokens_bytes_max = 4U << 20U;
constexpr auto tokens_lock_poll = std::chrono::milliseconds{20};
constexpr auto lives_max = std::chrono::hours{24} * 3650;

} // namespace

Result<std::optional<world::Milliseconds>> life_of(const std::string& text) {
  if (text == "never")
    return std::optional<world::Milliseconds>{};
  return std::optional{TRY(base::parse_duration(text))};
}

Result<> check(const TokenWish& wish) {
  if (!is_name(wish.name))
    return Error{ErrorKind::invalid_input,
                 "'" + base::printable(wish.name.substr(0, 80)) + "' is no name of a token",
                 "Use letters, digits, '.', '_' and '-', at most 64."};
  for (const std::string& stack : wish.stacks)
    if (!is_stack_name(stack))
      return Error{ErrorKind::invalid_input,
                   "'" + base::printable(stack.substr(0, 80)) + "' is no name of a stack",
                   "Name it as `stack:` in its belay.yaml does."};
  if (wish.lives && (wish.lives->count() <= 0 || *wish.lives > lives_max))
    return Error{ErrorKind::invalid_input,
                 "a token lives longer than nothing, and ten years at most",
                 "Write 30d, or 12h; or never."};
  return base::ok();
}

// Whoever writes holds it: two that make a token at once both stay.
Result<std::unique_ptr<world::Lock>> Tokens::lock() {
  TRY(world_.files.create_folders(folder_));
  const world::Milliseconds deadline = world_.clock.monotonic() + patience_;
  for (;;) {
    auto held = world_.files.lock(folder_ + "/lock", R"({"does":"changes tokens"})");
    if (held || held.error().kind != ErrorKind::conflict)
      return held;
    if (world_.clock.monotonic() >= deadline)
      return Error{ErrorKind::locked, "another belay has been changing tokens for too long",
                   "Try again."};
    world_.clock.sleep_for(tokens_lock_poll);
  }
}

Result<std::vector<Token>> Tokens::list() const {
  if (folder_.empty())
    return std::vector<Token>{};
  const auto text = world_.files.read(path(), tokens_bytes_max);
  if (!text && text.error().kind == ErrorKind::not_found)
    return std::vector<Token>{};
  if (!text)
    return text.error();
  return tokens_from_json(text.value());
}

Result<NewToken> Tokens::create(const TokenWish& wish) {
  TRY(check(wish));
  const auto held = TRY(lock());
  std::vector<Token> all = TRY(list());
  const world::TimePoint now = world_.clock.now();
  const auto same = std::ranges::find(all, wish.name, &Token::name);
  if (same != all.end()) {
    if (!same->expires || *same->expires > now)
      return Error{ErrorKind::conflict, "there is a token '" + wish.name + "'",
                   "Revoke it first, or choose another name."};
    all.erase(same);
  }
  if (all.size() >= tokens_max)
    return Error{ErrorKind::conflict, "there are a thousand tokens", "Revoke some."};
  NewToken made{.token = {}, .secret = secret_of(world_.random.hex(64))};
  made.token = {.name = wish.name,
                .role = wish.role,
                .stacks = wish.stacks,
                .digest = digest_of(made.secret),
                .by = wish.by,
                .created = now,
                .expires = wish.lives ? std::optional{now + *wish.lives} : std::nullopt};
  all.push_back(made.token);
  std::ranges::sort(all, {}, &Token::name);
  TRY(world_.files.replace(path(), to_json(all)));
  return made;
}

Result<Token> Tokens::revoke(const std::string& name) {
  const auto held = TRY(lock());
  std::vector<Token> all = TRY(list());
  const auto found = std::ranges::find(all, name, &Token::name);
  if (found == all.end())
    return Error{ErrorKind::not_found,
                 "there is no token '" + base::printable(name.substr(0, 80)) + "'",
                 "'belay token list' tells all of them."};
  Token gone = *found;
  all.erase(found);
  TRY(world_.files.replace(path(), to_json(all)));
  return gone;
}

} // namespace admission
