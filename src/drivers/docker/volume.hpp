#pragma once
// Store `volume`: a volume of a container engine by its name, or a folder that containers mount. It
// is looked up through the engine, and then kept and brought back as a directory is
// (docs/formats/kept-data.md). Looking never makes a volume.

#include "domain/store.hpp"
#include "drivers/docker/client.hpp"
#include "world/world.hpp"

#include <string>
#include <vector>

namespace drivers::docker {

class VolumeStore final : public domain::Store {
public:
  // `directory`: the store that does the work. `stack`: whose services belay stops.
  VolumeStore(world::World world, std::string socket, domain::Store& directory,
              const domain::Stack& stack)
      : world_{world}, client_{world, std::move(socket)}, directory_{directory}, stack_{stack} {}

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
  // The same store as a directory.
  base::Result<domain::StoreSpec> directory_of(const domain::StoreSpec& spec);
  base::Result<std::string> path_of_volume(const std::string& name);
  // Running containers that have it mounted; `writers`: only those that may write.
  bool is_of_stack(const Json& container) const;
  base::Result<std::vector<Json>> users_of(const domain::StoreSpec& spec, const std::string& path,
                                           bool only_writers);
  base::Result<> check_unused(const domain::StoreSpec& spec, const std::string& path,
                              bool only_writers);
  world::World world_;
  Client client_;
  domain::Store& directory_;
  const domain::Stack& stack_;
};

} // namespace drivers::docker
