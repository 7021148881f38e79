#pragma once
// Level: which way back is sufficient, from evidence. Pure.

#include "domain/outcome.hpp"
#include "domain/store.hpp"

#include <string>
#include <vector>

namespace engine {

// What the migrations of an operation have left in one store, and whether somebody declared that
// the release before works with it.
struct LedgerFact {
  std::string store;
  std::string before; // in words
  std::string after;
  std::string moved;  // in words; empty when nothing did
  std::string ledger; // identities, as Evidence has them
  std::string layout;
  bool is_compatible = false; // declared of every migration that ran
  bool operator==(const LedgerFact&) const = default;
};

struct LevelQuestion {
  domain::Level asked = domain::Level::automatic;  // by a trigger or by the operator
  domain::Level at_least = domain::Level::restart; // after an escalation
  bool was_switched = false;              // the new release was put in place, or may have been
  bool could_write = false;               // the new release, or a migration, may have run
  bool could_serve = true;                // the new release may have run: not migrations alone
  bool is_vouched = false;                // the operator declares what moved compatible
  std::vector<LedgerFact> facts;          // of the migrations since; one a store
  std::vector<domain::Evidence> evidence; // of every store that can be brought back
};

struct LevelAnswer {
  domain::Level level = domain::Level::restart;
  std::vector<std::string> stores;  // to bring back
  std::vector<std::string> reasons; // one line each
};

// The ledger or layout moved in a way that nobody declared compatible: the release alone must not
// go back. Unreadable counts as moved.
bool forbids_release(const domain::Evidence& evidence, const LevelQuestion& question);

// The least destructive level that is sufficient. Unknown is never "did not move".
LevelAnswer decide_level(const LevelQuestion& question);

} // namespace engine
