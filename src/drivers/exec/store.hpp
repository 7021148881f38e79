#pragma once
// Store `exec`: data that a program of the user's own looks after. A snapshot's `kept` is the
// program's own name for the copy.

#include "domain/store.hpp"
#include "drivers/exec/call.hpp"

namespace drivers::exec {

class Store final : public domain::Store {
public:
  Store(world::World world, Site site) : caller_{world, std::move(site)} {}

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

private:
  base::Result<domain::CaptureReport> capture(const domain::StoreSpec& spec, const char* request,
                                              const std::string& point,
                                              const world::Progress& progress);
  Caller caller_;
};

} // namespace drivers::exec
