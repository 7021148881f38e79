#pragma once
// DataStore: store `postgres` with `data`, the data folder of a PostgreSQL server that is a part of
// the stack, so that it is stopped for an upgrade. It is kept and brought back as a directory is; a
// copy counts when a server ran on it. docs/adr/0018-physical-by-directory.md. A backup takes it
// while it runs, too: docs/adr/0021-hot-physical-by-pg-basebackup.md. Where a store has no `data`,
// it is a database, and all of it is handed on.

#include "domain/store.hpp"
#include "drivers/postgres/hot.hpp"
#include "drivers/postgres/proof.hpp"

#include <optional>
#include <string>

namespace drivers::postgres {

class DataStore final : public domain::Store {
public:
  // `directory`: the store that does the work. `databases`: where there is no data folder.
  DataStore(world::World world, domain::Store& directory, domain::Store& databases,
            SecretReader secrets)
      : world_{world}, directory_{directory}, databases_{databases}, read_secret_{
                                                                         std::move(secrets)} {}

  base::Result<domain::StoreState> inspect(const domain::StoreSpec& spec) override;
  base::Result<domain::CaptureReport> protect(const domain::StoreSpec& spec,
                                              const std::string& point,
                                              const world::Progress& progress) override;
  // conflict, unless its server was shut down. corrupt, unless a server runs on what was kept.
  base::Result<domain::CaptureReport> secure(const domain::StoreSpec& spec,
                                             const std::string& point,
                                             const world::Progress& progress) override;
  // By pg_basebackup while the server runs, else as secure(). Proved by verify().
  base::Result<domain::CaptureReport> take_out(const domain::StoreSpec& spec,
                                               const std::string& point,
                                               const world::Progress& progress) override;
  // full: proved again, and compared with what was found when it was secured.
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
  // All of what was abandoned as SQL, in `all.sql`: files of a data folder mean nothing one by one.
  base::Result<> export_written(const domain::StoreSpec& spec, const domain::Abandoned& abandoned,
                                const std::string& into) override;
  base::Result<> discard(const domain::StoreSpec& spec, const std::string& id) override;
  base::Result<> let_in(const domain::StoreSpec& spec) override;
  base::Result<std::optional<std::string>> kept_path(const domain::StoreSpec& spec,
                                                     const std::string& id) override;
  base::Result<domain::LedgerState> ledgers(const domain::StoreSpec& spec,
                                            const domain::Snapshot* kept) override;
  base::Result<domain::FolderState> migrations(const domain::StoreSpec& spec,
                                               const domain::MigrationSpec& migration,
                                               const std::string& folder) override;
  base::Result<> migrate(const domain::StoreSpec& spec, const domain::MigrationFile& file,
                         const std::string& at, domain::Milliseconds timeout) override;
  bool can_rehearse() const override;
  base::Result<std::string> why_no_rehearsal(const domain::StoreSpec& spec,
                                             const domain::RehearsalRequest& request) override;
  base::Result<domain::Rehearsal> rehearse(const domain::StoreSpec& spec,
                                           const domain::RehearsalRequest& request) override;

private:
  // Who keeps the copies: of a data folder the directory store, else the store of databases.
  domain::Store& keeper_of(const domain::StoreSpec& spec) const;
  // Where throwaway servers of this store run.
  base::Result<std::string> scratch_of(const domain::StoreSpec& spec);
  base::Result<HotCopy> hot_copy(const domain::StoreSpec& spec, const std::string& data,
                                 const RunningServer& server);
  base::Result<domain::CaptureReport> take_hot(const domain::StoreSpec& spec,
                                               const std::string& data, const RunningServer& server,
                                               const std::string& point);
  world::World world_;
  domain::Store& directory_;
  domain::Store& databases_;
  SecretReader read_secret_;
};

} // namespace drivers::postgres
