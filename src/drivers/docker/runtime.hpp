#pragma once
// Runtime `docker`: services that are containers of an engine that speaks Docker's API. belay makes
// the container of a release from what the one before it was made of; the one before it is kept,
// stopped, under another name. Decision: docs/adr/0012-docker-through-the-engine-api.md.
//
//   NAME                        the container of the service
//   NAME.belay-DIGEST           kept: of another release; 12 digits of its identity
//   NAME.belay-making           half made, or half removed; made again by the next try
//   <releases_folder>/<label>-DIGEST/container.json   a release, docs/formats/container-record.md
//   <releases_folder>/.before/  what ran before belay's first release, while that is under way
//   <releases_folder>/current   link to the release that is to be started
//   <state>/run/<service>.held  what `hold` found

#include "domain/runtime.hpp"
#include "drivers/docker/client.hpp"
#include "drivers/docker/record.hpp"
#include "world/world.hpp"

#include <functional>
#include <string>
#include <vector>

namespace drivers::docker {

using SecretReader = std::function<base::Result<std::string>(const domain::SecretRef&)>;

class Runtime final : public domain::Runtime {
public:
  // `held`: containers that are stopped during an operation (HeldContainers).
  Runtime(world::World world, std::string stack, std::string state_folder, std::string socket,
          SecretReader read_secret, std::vector<std::string> held);

  base::Result<domain::Release> prepare(const domain::ServiceSpec& service,
                                        const std::string& label) override;
  base::Result<> can_prepare(const domain::ServiceSpec& service, const std::string& label) override;
  base::Result<> verify(const domain::ServiceSpec& service,
                        const domain::Release& release) override;
  base::Result<domain::Observed> observe(const domain::ServiceSpec& service) override;
  base::Result<std::optional<std::string>>
  current_folder(const domain::ServiceSpec& service) override;
  base::Result<> switch_to(const domain::ServiceSpec& service,
                           const domain::Release& release) override;
  base::Result<> start(const domain::ServiceSpec& service) override;
  base::Result<> stop(const domain::ServiceSpec& service) override;
  base::Result<> hold(const domain::ServiceSpec& service) override;
  base::Result<> let_go(const domain::ServiceSpec& service) override;
  base::Result<std::string> log_tail(const domain::ServiceSpec& service, int lines) override;
  base::Result<std::string> log_of_start(const domain::ServiceSpec& service,
                                         std::size_t bytes_max) override;
  base::Result<std::uint64_t> memory_bytes(const domain::ServiceSpec& service) override;
  base::Result<std::vector<domain::Mount>> mounts(const domain::ServiceSpec& service) override;
  base::Result<> discard(const domain::ServiceSpec& service,
                         const domain::Release& release) override;
  base::Result<std::vector<domain::Finding>> findings(const domain::ServiceSpec& service,
                                                      const std::string& label) override;

  // --- for runtime `compose`, whose containers are made by compose

  // The image that is here by this name; pulled, when that is allowed and its registry is named.
  base::Result<Json> find_image(const std::string& reference, bool may_pull);
  // Gives the image of `record` a name of our own, and says it there.
  base::Result<> pin(const domain::ServiceSpec& service, Record& record);
  base::Result<Record> record_of_live(const Json& live);
  base::Result<std::vector<std::pair<std::string, std::string>>>
  environment_of(const domain::ServiceSpec& service);
  std::string key_of(const domain::ServiceSpec& service) const;
  // A release is about to be started: what ran before belay is not given back from now on.
  base::Result<> note_start(const domain::ServiceSpec& service);
  // While the service is held, its container never restarts by itself.
  base::Result<> keep_held(const domain::ServiceSpec& service, const Json& live);
  base::Result<bool> is_to_be_given_back(const domain::ServiceSpec& service);

  // --- for HeldContainers too

  // Asks it to end, for `timeout` (0: as long as the container says), then kills; confirmed.
  base::Result<> stop_container(const std::string& id, world::Milliseconds timeout,
                                const std::string& whose);
  base::Result<> set_policy(const Json& container, const Json& policy);

private:
  using Service = domain::ServiceSpec;
  struct Release { // as it is on disk
    std::string folder;
    Record record;
    std::string digest;
  };
  struct Held {
    std::string foreign;     // id of a container that belay has not made; empty: none
    std::string link;        // and `current` was this; empty: there was none
    bool is_started = false; // belay has started something since it stopped the service
  };
  // The containers of a service, of any release.
  struct Found {
    std::optional<Json> live;
    std::optional<Json> making;
    std::vector<Json> kept;
  };
  base::Result<Found> find(const Service& service);
  base::Result<world::ProcessId> identify(int pid);
  base::Result<Release> read_release(const std::string& folder);
  base::Result<std::string> pin_of(const std::string& folder);
  base::Result<std::string> write_release(const Service& service, const std::string& name,
                                          Record& record);
  base::Result<Record> model(const Service& service);
  base::Result<> check_is_ours(const Service& service, const Json& container);
  base::Result<> arrange(const Service& service, const Release& wanted);
  base::Result<bool> arrange_once(const Service& service, const Release& wanted);
  base::Result<> make(const Service& service, const Release& wanted);
  base::Result<bool> finish_making(const Service& service, const Release& wanted,
                                   const Json& making);
  base::Result<> start_arranged(const Service& service, const Release& release);
  base::Result<bool> is_ended_by(const std::string& id, world::Milliseconds deadline);
  base::Result<> give_back(const Service& service, const Held& held);
  base::Result<std::optional<Held>> read_held(const Service& service);
  base::Result<> write_held(const Service& service, const Held& held);
  Json labels_of(const Service& service, const Release& release) const;
  std::string held_path(const Service& service) const;
  world::World world_;
  std::string stack_;
  std::string state_folder_;
  SecretReader read_secret_;
  std::vector<std::string> held_;
  Client client_;
};

// A label as the name of a file.
std::string file_name(std::string_view label);

} // namespace drivers::docker
