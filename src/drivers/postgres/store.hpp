#pragma once
// Store `postgres`: one database of a PostgreSQL server. What is kept of it is a second database on
// the same server, or a dump; what is known of a kept copy is in `<state>/postgres/<store>/<id>/`.
// docs/formats/kept-postgres.md.

#include "domain/store.hpp"
#include "drivers/postgres/dump.hpp"
#include "drivers/postgres/rehearse.hpp"
#include "drivers/postgres/swap.hpp"
#include "world/world.hpp"

#include <optional>
#include <string>

namespace drivers::postgres {

// Where a stack keeps its records, and how its secrets are read.
struct Site {
  std::string stack;
  std::string state_folder;
  SecretReader read_secret;
};

class Store final : public domain::Store {
public:
  Store(world::World world, Site site) : world_{world}, site_{std::move(site)} {}

  base::Result<domain::StoreState> inspect(const domain::StoreSpec& spec) override;
  // A clone is made at once when nobody writes: only a dump is tried beforehand.
  base::Result<domain::CaptureReport> protect(const domain::StoreSpec& spec,
                                              const std::string& point,
                                              const world::Progress& progress) override;
  base::Result<domain::CaptureReport> secure(const domain::StoreSpec& spec,
                                             const std::string& point,
                                             const world::Progress& progress) override;
  base::Result<domain::CaptureReport> take_out(const domain::StoreSpec& spec,
                                               const std::string& point,
                                               const world::Progress& progress) override;
  base::Result<> let_in(const domain::StoreSpec& spec) override;
  base::Result<> verify(const domain::StoreSpec& spec, const domain::Snapshot& snapshot,
                        world::Depth depth) override;
  base::Result<> prove(const domain::StoreSpec& spec, const domain::Snapshot& snapshot) override;
  base::Result<domain::Evidence> evidence(const domain::StoreSpec& spec,
                                          const domain::Snapshot& snapshot) override;
  base::Result<domain::Abandoned> restore(const domain::StoreSpec& spec,
                                          const domain::Snapshot& snapshot,
                                          const std::string& abandoned_id) override;
  base::Result<domain::Snapshot> adopt(const domain::StoreSpec& spec,
                                       const domain::Abandoned& abandoned) override;
  base::Result<> export_written(const domain::StoreSpec& spec, const domain::Abandoned& abandoned,
                                const std::string& into) override;
  base::Result<> discard(const domain::StoreSpec& spec, const std::string& id) override;
  base::Result<std::optional<std::string>> kept_path(const domain::StoreSpec& spec,
                                                     const std::string& id) override;
  base::Result<domain::LedgerState> ledgers(const domain::StoreSpec& spec,
                                            const domain::Snapshot* kept) override;
  base::Result<domain::FolderState> migrations(const domain::StoreSpec& spec,
                                               const domain::MigrationSpec& migration,
                                               const std::string& folder) override;
  base::Result<> migrate(const domain::StoreSpec& spec, const domain::MigrationFile& file,
                         const std::string& at, domain::Milliseconds timeout) override;
  bool can_rehearse() const override { return true; }
  base::Result<std::string> why_no_rehearsal(const domain::StoreSpec& spec,
                                             const domain::RehearsalRequest& request) override;
  base::Result<domain::Rehearsal> rehearse(const domain::StoreSpec& spec,
                                           const domain::RehearsalRequest& request) override;

private:
  Scratch scratch_of(const domain::StoreSpec& spec, const std::string& point) const;
  Server server_of(const domain::StoreSpec& spec) const;
  std::string base_of(const domain::StoreSpec& spec) const;
  std::string folder_of(const domain::StoreSpec& spec, const std::string& id) const;
  Fences fences_of(const domain::StoreSpec& spec, const Server& server) const;
  base::Result<Kept> read_kept(const std::string& folder);
  base::Result<std::string> write_kept(const std::string& folder, const Kept& kept);
  base::Result<Kept> begun(const Server& server, const Facts& facts);
  base::Result<domain::CaptureReport> capture_clone(const domain::StoreSpec& spec,
                                                    const Server& server, const Facts& facts,
                                                    const std::string& point);
  base::Result<domain::CaptureReport> capture_dump(const domain::StoreSpec& spec,
                                                   const Server& server, const Facts& facts,
                                                   const std::string& point);
  base::Result<> describe(const domain::StoreSpec& spec, const Server& server, Kept& kept);
  base::Result<bool> clones(const Server& server, const Facts& facts, std::uint64_t bytes);
  base::Result<SwapRecord> begin_swap(const domain::StoreSpec& spec, const Server& server,
                                      const Kept& kept, const domain::Snapshot& snapshot,
                                      const std::string& abandoned_id);
  base::Result<> compare_content(const Server& server, const Kept& kept, std::uint64_t bytes,
                                 domain::Evidence& evidence);
  base::Result<> add_written_since(const Server& server, const std::string& database,
                                   domain::Abandoned& abandoned);
  world::World world_;
  Site site_;
};

} // namespace drivers::postgres
