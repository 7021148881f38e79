#pragma once
// Tokens: those of this machine's daemon, in their folder (docs/formats/tokens.md). Each call reads
// what is there now: what another belay made or revoked counts at once.

#include "admission/token.hpp"
#include "world/world.hpp"

#include <string>
#include <vector>

namespace admission {

struct TokenWish {
  std::string name;
  Role role = Role::look;
  std::vector<std::string> stacks;          // empty: every one
  std::optional<world::Milliseconds> lives; // nothing: for ever
  std::string by;
};

constexpr const char* life_usual = "90d"; // when nobody says how long
// "30d", "12h" or "never". invalid_input.
base::Result<std::optional<world::Milliseconds>> life_of(const std::string& text);

base::Result<> check(const TokenWish& wish); // invalid_input: names that are none, or its life

struct NewToken {
  Token token;
  std::string secret; // told here, and never again
};

class Tokens {
public:
  // `folder` need not be there; empty: there are no tokens. `patience`: so long it waits for
  // another belay that changes them.
  Tokens(world::World world, std::string folder,
         world::Milliseconds patience = std::chrono::seconds{10})
      : world_{world}, folder_{std::move(folder)}, patience_{patience} {}

  // In the order of their names. corrupt, too_new.
  base::Result<std::vector<Token>> list() const;
  // conflict: one that has not expired is called that, or there are a thousand. invalid_input:
  // names that are none.
  base::Result<NewToken> create(const TokenWish& wish);
  base::Result<Token> revoke(const std::string& name); // not_found

private:
  base::Result<std::unique_ptr<world::Lock>> lock();
  std::string path() const { return folder_ + "/tokens.json"; }
  world::World world_;
  std::string folder_;
  world::Milliseconds patience_;
};

} // namespace admission
