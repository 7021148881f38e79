#pragma once
// Migrating: the migrations of an upgrade, before the switch (`expand`) and after it (`migrate`),
// and what is known of the ledgers that they move. docs/guide/migrations.md.

#include "engine/context.hpp"

#include <string>
#include <vector>

namespace engine {

struct MigrationOutlook {
  std::vector<std::string> lines;    // what will run, for people
  std::vector<std::string> problems; // why an upgrade must not begin
  std::size_t pending = 0;           // files of SQL that will run, as far as it can be told
  std::string basis;                 // what it rests on; empty without any folder of SQL
};

// Read-only. `to` empty: only what needs no target.
MigrationOutlook outlook_of(world::Files& files, const domain::Stack& stack, Drivers drivers,
                            const std::string& to);

// The first migrations, as long as each only adds. A command never runs twice; a file of SQL is
// asked of the ledger.
base::Result<> do_expand(Context& context, Record& out);
base::Result<> do_migrate(Context& context, Record& out); // all that `expand` has left

// What every operation since `operation` (that one too) has left, by the journals; one a store,
// compatible only when each of them was.
std::vector<LedgerFact> facts_since(world::World world, const state::Folder& folder,
                                    const std::string& operation);

} // namespace engine
