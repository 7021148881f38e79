#pragma once
// Store: one place where a stack's data lives. A driver makes and brings back snapshots in the
// rollback layer: copies kept beside the data on the same file system. It never decides.

#include "base/result.hpp"
#include "domain/migration.hpp"
#include "domain/stack.hpp"
#include "world/trees.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace domain {

// A snapshot as the manifest of a restore point records it.
struct Snapshot {
  std::string store;
  std::string kept;   // absolute path of the copy
  std::string digest; // of its content
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  bool is_secured = false; // taken (or completed) after the writers stopped, and verified
  bool operator==(const Snapshot&) const = default;
};

struct CaptureReport {
  Snapshot snapshot;
  world::TreeSize copied;
  std::vector<std::string> torn; // changed while read; harmless in protect, fatal in secure
  bool was_reflinked = false;
};

struct StoreState {
  world::TreeSize size;
  std::uint64_t free_bytes = 0;      // on the file system of the kept copies
  std::string kept_folder;           // where copies of this store are kept
  std::vector<std::string> problems; // reasons why it cannot be captured or brought back; empty: ok
};

// What moved since the snapshot was secured.
enum class Movement { none, data_only, layout, unreadable };
struct Evidence {
  std::string store;
  Movement movement = Movement::unreadable;
  std::string detail; // "3 files differ, layout file flows.json changed"
  // Where the driver can tell; else empty:
  std::string layout = {};       // identity of the layout as it is now
  std::string ledger = {};       // identity of the ledgers as they are now
  std::string ledger_moved = {}; // in words, when a ledger did; unreadable counts as moved
};

// What a way back swapped out, and what was written in it since the snapshot.
struct Abandoned {
  std::string store;
  std::string kept; // absolute path
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::vector<world::Difference> written_since; // bounded; see `differences`
  std::uint64_t differences = 0;
  bool operator==(const Abandoned& other) const { return kept == other.kept; }
};

// A folder whose entries can be read one by one while the service runs.
struct LiveTree {
  std::string path;
  std::vector<std::string> exclude; // relative
};

class Store {
public:
  virtual ~Store() = default;

  // Read-only. not_found when the store's path does not exist.
  virtual base::Result<StoreState> inspect(const StoreSpec& spec) = 0;

  // The long pass while the service runs. Idempotent per point: again brings the copy up to date.
  virtual base::Result<CaptureReport> protect(const StoreSpec& spec, const std::string& point,
                                              const world::Progress& progress) = 0;
  // The difference after the writers stopped; verified by digests when it returns. conflict when
  // something still writes. Works without an earlier protect.
  virtual base::Result<CaptureReport> secure(const StoreSpec& spec, const std::string& point,
                                             const world::Progress& progress) = 0;
  // The kept copy still is what the snapshot says. corrupt when not; not_found when gone.
  virtual base::Result<> verify(const StoreSpec& spec, const Snapshot& snapshot,
                                world::Depth depth) = 0;
  // Brings a kept copy that verify() found whole back where nobody sees it, as far as a driver can,
  // compares it with what it was, and removes it. Nothing live is changed. corrupt: it does not
  // come back.
  virtual base::Result<> prove(const StoreSpec& spec, const Snapshot& snapshot) {
    return verify(spec, snapshot, world::Depth::full);
  }
  virtual base::Result<Evidence> evidence(const StoreSpec& spec, const Snapshot& snapshot) = 0;

  // Swap the snapshot in and keep what was live under `abandoned_id`. Nobody may be using the
  // store. Idempotent: run again after a crash it ends old or new, and returns the same record.
  // After it the snapshot's copy is the live data: the point has given it up.
  virtual base::Result<Abandoned> restore(const StoreSpec& spec, const Snapshot& snapshot,
                                          const std::string& abandoned_id) = 0;
  // The abandoned data becomes a snapshot that `restore` can bring back. Changes none of it. The
  // service may run again, and nobody waits: it may read all.
  virtual base::Result<Snapshot> adopt(const StoreSpec& spec, const Abandoned& abandoned) = 0;
  // Copy what differs between the live store and `abandoned` into the new folder `into`.
  virtual base::Result<> export_written(const StoreSpec& spec, const Abandoned& abandoned,
                                        const std::string& into) = 0;
  // Remove kept data of this id (a point or an abandoned set). Idempotent.
  virtual base::Result<> discard(const StoreSpec& spec, const std::string& id) = 0;

  // A whole copy for a repository, below what kept_path() says, of the data as it was at one moment
  // while the service runs; read back when it returns. Idempotent per point.
  virtual base::Result<CaptureReport> take_out(const StoreSpec& spec, const std::string& point,
                                               const world::Progress& progress) {
    return protect(spec, point, progress);
  }
  // Whoever uses the store may do so again, if a capture or a restore that died kept them out.
  // Idempotent; called before services start.
  virtual base::Result<> let_in(const StoreSpec& /*spec*/) { return base::ok(); }

  // For who reads the live data himself, and sees which file changes meanwhile: it costs no copy.
  // Nothing: only a copy by protect() is good. Read-only.
  virtual base::Result<std::optional<LiveTree>> live_tree(const StoreSpec& /*spec*/) {
    return std::optional<LiveTree>{};
  }
  // Where the copy of this id is kept, or would be: what comes there from elsewhere becomes a
  // snapshot by adopt(), and goes by discard(). Nothing: the driver alone brings copies there.
  // Read-only.
  virtual base::Result<std::optional<std::string>> kept_path(const StoreSpec& /*spec*/,
                                                             const std::string& /*id*/) {
    return std::optional<std::string>{};
  }

  // What the data itself says of the migrations that were applied to it: now, or as it was kept.
  // Read-only.
  virtual base::Result<LedgerState> ledgers(const StoreSpec& /*spec*/, const Snapshot* /*kept*/) {
    return LedgerState{};
  }
  // The SQL files of `folder` beside what was applied. Read-only.
  virtual base::Result<FolderState> migrations(const StoreSpec& spec,
                                               const MigrationSpec& /*migration*/,
                                               const std::string& /*folder*/) {
    return base::Error{base::ErrorKind::invalid_input, "store '" + spec.name + "' takes no SQL",
                       "Run the migration as a command."};
  }
  // One file and its line in the ledger, both or none. Idempotent: nothing when it was applied.
  virtual base::Result<> migrate(const StoreSpec& spec, const MigrationFile& /*file*/,
                                 const std::string& /*at*/, Milliseconds /*timeout*/) {
    return base::Error{base::ErrorKind::invalid_input, "store '" + spec.name + "' takes no SQL",
                       "Run the migration as a command."};
  }

  // Whether this kind of store can be rehearsed at all.
  virtual bool can_rehearse() const { return false; }
  // Why it is not rehearsed now: no room, too large, or its files reach beyond its data. Empty:
  // nothing is in the way. Read-only.
  virtual base::Result<std::string> why_no_rehearsal(const StoreSpec& /*spec*/,
                                                     const RehearsalRequest& /*request*/) {
    return std::string{"stores of this kind are not rehearsed"};
  }
  // Applies the pending files to a copy of the data as they are at this moment, and removes it,
  // whatever becomes of them. Services may run, and nothing that they use is changed. An Error:
  // there was no copy to try them on, or we were interrupted.
  virtual base::Result<Rehearsal> rehearse(const StoreSpec& spec,
                                           const RehearsalRequest& /*request*/) {
    return base::Error{base::ErrorKind::invalid_input,
                       "store '" + spec.name + "' cannot be rehearsed", ""};
  }
};

} // namespace domain
