#pragma once
// Store `sqlite`: one database file. Copies are made by the online backup API and kept beside it
// on the same file system: `<folder>/.belay-<name>/<id>/<name>`, whole databases without
// companions.

#include "domain/store.hpp"
#include "world/world.hpp"

namespace drivers::sqlite {

class Store final : public domain::Store {
public:
  explicit Store(world::World world) : world_{world} {}

  base::Result<domain::StoreState> inspect(const domain::StoreSpec& spec) override;
  base::Result<domain::CaptureReport> protect(const domain::StoreSpec& spec,
                                              const std::string& point,
                                              const world::Progress& progress) override;
  base::Result<domain::CaptureReport> secure(const domain::StoreSpec& spec,
                                             const std::string& point,
                                             const world::Progress& progress) override;
  base::Result<> verify(const domain::StoreSpec& spec, const domain::Snapshot& snapshot,
                        world::Depth depth) override;
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

private:
  struct Place {
    std::string live; // the database file, links resolved
    std::string name; // its last part
    std::string kept_folder;
    std::string folder_of(const std::string& id) const { return kept_folder + "/" + id; }
    std::string file_of(const std::string& id) const { return folder_of(id) + "/" + name; }
  };
  base::Result<Place> place_of(const domain::StoreSpec& spec);
  base::Result<domain::CaptureReport> capture(const domain::StoreSpec& spec, const Place& place,
                                              const std::string& point,
                                              const world::Progress& progress);
  base::Result<std::string> real_path(const std::string& path, int links_left);
  base::Result<> add_ledgers(const domain::StoreSpec& spec, const domain::Snapshot& snapshot,
                             domain::Evidence& evidence);
  base::Result<> add_written_since(const Place& place, domain::Abandoned& abandoned);
  base::Result<std::uint64_t> size_of(const std::string& path);
  world::World world_;
};

} // namespace drivers::sqlite
