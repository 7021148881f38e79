#pragma once
// Guard: who asks the daemon, and how often somebody who is not let in is listened to. May be asked
// by several threads at once.

#include "admission/tokens.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <variant>

namespace admission {

struct Caller {
  std::string name; // "token ci", "user 0"
  Role role = Role::look;
  std::vector<std::string> stacks; // empty: every one
  std::string digest;              // of the token; empty: came over the UNIX socket

  bool may_see(const std::string& stack) const;
};

struct Refused { // for problem details
  int status = 401;
  std::string detail;
  std::string hint;
  std::vector<std::pair<std::string, std::string>> headers;
};

// Who may fail how often: ten times at once, then every six seconds. Bounded: of a thousand
// addresses, those are forgotten first that did not fail for the longest time. Pure.
class FailureLimit {
public:
  // One more failure. Nothing: it may be answered; else: be quiet for so long.
  std::optional<world::Milliseconds> fail(const std::string& peer, world::Milliseconds now);
  std::size_t size() const { return even_at_.size(); }

private:
  std::map<std::string, world::Milliseconds> even_at_; // when nothing counts against it any more
};

class Guard {
public:
  using Tell = std::function<void(const std::string& warning)>;
  // `folder` of the tokens; empty: there are none. `own_uid`: who may do all over the UNIX socket,
  // as root may.
  Guard(world::World world, std::string folder, std::uint32_t own_uid, Tell tell)
      : world_{world}, folder_{std::move(folder)}, own_uid_{own_uid}, tell_{std::move(tell)} {}

  std::variant<Caller, Refused> who(const world::ServedRequest& request);
  // Whether who was let in still would be.
  bool is_still(const Caller& caller);

private:
  Refused fail(const std::string& peer, Refused refused);
  world::World world_;
  std::string folder_;
  std::uint32_t own_uid_;
  Tell tell_;
  std::mutex mutex_; // of the limit
  FailureLimit limit_;
};

// What a caller lacks; nothing: it may. `stack` empty: of no stack alone; what an administrator
// does there is about all of them, and takes a token for all.
std::optional<Refused> lacks(const Caller& caller, Role wanted, const std::string& stack);

} // namespace admission
