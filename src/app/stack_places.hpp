#pragma once
// Stack places: the repositories that belay.yaml names, and what of a stack is in them. The layout
// of a snapshot that holds a restore point: docs/formats/stack-snapshot.md.

#include "app/depot.hpp"
#include "repo/format/records.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace app {

using TellWait = std::function<void(const std::string&)>; // hears why a place waits

struct Doing { // what is under way, for people
  std::string text;
  std::uint64_t done = 0;  // bytes, of whatever the text is about
  std::uint64_t total = 0; // 0: nobody knows
  bool is_guess = false;   // the total
};
using TellDoing = std::function<void(const Doing&)>; // by any thread; may be empty

enum class Where { first, copy };

struct StackPlace {
  std::string name; // "repository" or "copy"; empty: it is none of belay.yaml
  repo::backend::Place place;
  domain::SecretRef secret;
  std::string password; // empty: what `secret` refers to
};
// Reads the secrets that belay.yaml gives as its credentials, but not its password.
// invalid_input: it names no such place.
base::Result<StackPlace> stack_place(const Host& host, const domain::Stack& stack, Where where,
                                     const TellWait& notice);
base::Result<std::string> password_of(const Host& host, const StackPlace& place);
base::Result<std::unique_ptr<Depot>> open_place(const Host& host, const RepoPorts& ports,
                                                const StackPlace& place, Trouble& trouble);

std::string folder_in_snapshot(const std::string& stack);                          // "/belay/shop"
std::string store_in_snapshot(const std::string& stack, const std::string& store); // ".../stores/x"
// Below it stands a config file, by its own absolute path.
std::string config_in_snapshot(const std::string& stack); // "/belay/shop/config"
std::string manifest_in_snapshot(const std::string& stack);
std::vector<std::string> tags_of(const state::RestorePoint& point);

// A restore point of a stack, as the tags of its snapshot tell. Complete: without its snapshot,
// which is written last, there is none.
struct StoredPoint {
  std::string id;
  int generation = 0;
  std::uint64_t torn = 0; // files that changed while they were read
  repo::format::Snapshot snapshot;
};
std::vector<StoredPoint> stored_points(const std::vector<repo::format::Snapshot>& snapshots,
                                       const std::string& stack);

// True for the id of a restore point, which is no name of a snapshot.
bool names_point(const std::string& name);
// The snapshot that `name` names: as Repository::snapshot, or by the id of a restore point.
base::Result<repo::format::Snapshot> find_snapshot(repo::Repository& repository,
                                                   const std::string& name);

// The manifest in the snapshot of a point; the index must have been loaded. corrupt: it is not
// that of this snapshot, or names a place outside it.
base::Result<state::RestorePoint> read_manifest(repo::Repository& repository,
                                                const repo::format::Snapshot& snapshot);

// The manifest, and that the snapshot has all that it names: each store, and the config files as
// they were. Whether the stores' bytes are whole is for repo::verify. As read_manifest.
base::Result<> check_point(repo::Repository& repository, const repo::format::Snapshot& snapshot);
// The bytes of the config files of a point, as they were; corrupt when one differs.
base::Result<std::vector<state::ConfigFile>> read_config(repo::Repository& repository,
                                                         const repo::format::Snapshot& snapshot,
                                                         const state::RestorePoint& point);

struct KnownPoint {
  state::RestorePoint point;       // of one that is in repositories only: what the tags tell
  std::vector<std::string> places; // of "local", "repository", "copy"
  // Of a point of the first place: whether the second one has it too. Nothing: there is no second
  // place, or it is out of reach.
  std::optional<bool> has_copy;
  std::uint64_t bytes = 0;
  std::uint64_t torn = 0;
};
KnownPoint local_point(state::RestorePoint point);
struct KnownPoints {
  std::vector<KnownPoint> points; // oldest first; abandoned sets too
  std::vector<base::Error> out_of_reach;
};
// Those of the rollback layer and of every place that belay.yaml names. A place that cannot be
// looked at is told in `out_of_reach`.
base::Result<KnownPoints> known_points(const Host& host, const RepoPorts& ports,
                                       const std::string& stack, const TellWait& notice);

} // namespace app
