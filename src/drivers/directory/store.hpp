#pragma once
// Store `directory`: a folder and all below it. Copies are kept beside it on the same file system,
// so that bringing one back is a rename (docs/formats/kept-data.md, docs/adr/0004).

#include "domain/store.hpp"
#include "drivers/directory/swap.hpp"
#include "world/world.hpp"

namespace drivers::directory {

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
  base::Result<std::optional<domain::LiveTree>> live_tree(const domain::StoreSpec& spec) override;
  base::Result<std::optional<std::string>> kept_path(const domain::StoreSpec& spec,
                                                     const std::string& id) override;

private:
  // Where the store really is, and where its copies are kept.
  struct Place {
    std::string live;
    std::string kept_folder;
    bool is_mount_point = false;
    std::vector<std::string> exclude; // with our own folder
    std::string folder_of(const std::string& id) const { return kept_folder + "/" + id; }
    std::string tree_of(const std::string& id) const { return folder_of(id) + "/tree"; }
    std::string catalogue_of(const std::string& id) const { return folder_of(id) + "/catalogue"; }
  };
  base::Result<std::string> real_path(std::string path);
  base::Result<Place> place_of(const domain::StoreSpec& spec);
  base::Result<bool> is_same_file(const std::string& a, const std::string& b);
  base::Result<> refuse_live_servers(const Place& place);
  base::Result<domain::CaptureReport> capture(const domain::StoreSpec& spec, const Place& place,
                                              const std::string& point, bool is_at_rest,
                                              const world::Progress& progress);
  base::Result<> export_file(const std::string& from, const std::string& restored,
                             const std::string& to);
  world::World world_;
};

} // namespace drivers::directory
