#pragma once
// Migration: a change of how data is organised, and the ledger in the data that tells which of
// them were applied.

#include "domain/stack.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace domain {

std::string_view name_of(MigrationClass kind); // "change", "expand", "contract"

// One table of a database in which a migration tool keeps account.
struct Ledger {
  std::string table;
  std::vector<std::string> applied; // names, in the ledger's own order
  bool operator==(const Ledger&) const = default;
};

struct LedgerState {
  std::vector<Ledger> ledgers;
  std::string layout; // identity of the layout of the data; empty where it cannot be told
};

// "belay_migrations at 0004_d.sql (4 applied)"; "no ledger".
std::string tell_ledgers(const std::vector<Ledger>& ledgers);
// What moved, in words; empty when nothing did.
std::string tell_movement(const std::vector<Ledger>& before, const std::vector<Ledger>& after);
std::string identity_of(const std::vector<Ledger>& ledgers); // equal only when they say the same

// What one statement does, where the driver can read it.
struct MigrationStep {
  int line = 0;
  std::string does; // "adds column orders.note text, nullable"
  std::string kind; // additive, compatible, data-changing, unknown or breaking
  std::string rule; // "new-column"
  std::string why;  // one sentence without a full stop
};

struct MigrationFile {
  std::string name; // "0003_prices.sql"
  std::string text;
  std::string sha256;
  MigrationClass kind = MigrationClass::change;
  bool is_compatible = false; // the release before works with what it leaves
  std::string verdict = {};   // the worst of its steps; empty: the driver cannot tell
  std::vector<MigrationStep> steps = {};
  std::string ledger = {}; // table in which its line is written; empty: the driver's own
};

// A folder of SQL files beside the ledger of its store.
struct FolderState {
  std::vector<MigrationFile> applied;
  std::vector<MigrationFile> pending; // in the order in which they will run
  std::vector<std::string> problems;  // why nothing of it may run: "0003_prices.sql:12: ..."
};

// A folder whose pending files are rehearsed.
struct RehearsedFolder {
  MigrationSpec migration;
  std::string folder; // absolute, {to} filled in
};

struct RehearsalRequest {
  std::string point;                    // id that names what is made; discard() of it removes that
  std::vector<RehearsedFolder> folders; // all of one store, in their order
  bool is_any_size = false;             // else a large store is not rehearsed
};

struct RehearsedFile {
  std::string name;
  std::string verdict; // of its statements; empty: the driver cannot tell
  Milliseconds took{0};
  std::vector<std::string> saw; // "locks public.orders against reads and writes"
};

// What pending migrations did to a copy of the data.
struct Rehearsal {
  std::string failure;     // what would fail with the services stopped, too; empty: all went well
  std::uint64_t bytes = 0; // of the data that were copied
  Milliseconds copied_in{0};
  std::vector<RehearsedFile> files; // the last one failed, when one did
  std::vector<std::string> left;    // what became of the layout, and what is not valid in it
  std::string layout;               // its identity, as LedgerState has it
};

} // namespace domain
