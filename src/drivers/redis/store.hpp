#pragma once
// Store `redis`: the data folder of a Redis server, which is a service of the stack. The folder is
// kept and brought back as a directory or a volume is (docs/formats/kept-data.md), with the server
// stopped; a copy counts when a throwaway server has loaded it. What is known of a copy is in
// `<state>/redis/<store>/`: `server`, what the live one said last, and `<id>`, the keys of a copy.

#include "domain/store.hpp"
#include "drivers/redis/throwaway.hpp"
#include "world/redis.hpp"
#include "world/world.hpp"

#include <functional>
#include <string>
#include <utility>

namespace drivers::redis {

using SecretReader = std::function<base::Result<std::string>(const domain::SecretRef&)>;

struct Site {
  std::string state_folder;
  SecretReader read_secret;
};

class Store final : public domain::Store {
public:
  // `directory`, `volume`: the stores that do the work.
  Store(world::World world, world::Redis& redis, domain::Store& directory, domain::Store& volume,
        Site site)
      : world_{world}, redis_{redis}, directory_{directory}, volume_{volume}, site_{std::move(
                                                                                  site)} {}

  base::Result<domain::StoreState> inspect(const domain::StoreSpec& spec) override;
  // Asks a running server for a BGSAVE first, and waits for it.
  base::Result<domain::CaptureReport> protect(const domain::StoreSpec& spec,
                                              const std::string& point,
                                              const world::Progress& progress) override;
  // conflict when a server answers.
  base::Result<domain::CaptureReport> secure(const domain::StoreSpec& spec,
                                             const std::string& point,
                                             const world::Progress& progress) override;
  // As protect, in no rewrite of the append-only file, and loaded once.
  base::Result<domain::CaptureReport> take_out(const domain::StoreSpec& spec,
                                               const std::string& point,
                                               const world::Progress& progress) override;
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

private:
  domain::Store& inner(const domain::StoreSpec& spec);
  base::Result<world::RedisPlace> place_of(const domain::StoreSpec& spec);
  std::string folder_of(const domain::StoreSpec& spec) const;
  // Fields of INFO. nullopt: nobody answers.
  base::Result<std::optional<Fields>> info_of(const domain::StoreSpec& spec,
                                              const std::string& section);
  // Until the server has written its data to disk. nullopt: there is no server; else INFO after it.
  base::Result<std::optional<Fields>> save(const domain::StoreSpec& spec);
  base::Result<> check_stopped(const domain::StoreSpec& spec);
  base::Result<Keys> load_once(const domain::StoreSpec& spec, const std::string& tree);
  base::Result<> prove_kept(const domain::StoreSpec& spec, const std::string& id,
                            const std::string& tree);
  world::World world_;
  world::Redis& redis_;
  domain::Store& directory_;
  domain::Store& volume_;
  Site site_;
};

} // namespace drivers::redis
