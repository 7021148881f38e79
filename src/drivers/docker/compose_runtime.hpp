#pragma once
// Runtime `compose`: services of a compose project. compose makes their containers, from one frozen
// file a release; belay stops, holds, watches and gives back containers as it does without compose.
// The user's files are never written. Decision: docs/adr/0013-compose-by-frozen-files.md.
//
//   <releases_folder>/<label>-DIGEST/compose.yml     what all files mean, with the image pinned
//   <releases_folder>/<label>-DIGEST/release.json    image and identity; written last
//   <releases_folder>/<label>-DIGEST/container.json  of the container that compose made of it
//   <releases_folder>/.over.json                     the file that goes beside the user's, half
//   made <releases_folder>/{.before/,current}, <state>/run/<service>.held   as runtime `docker` has
//   them

#include "drivers/docker/compose.hpp"
#include "drivers/docker/runtime.hpp"

namespace drivers::docker {

class ComposeRuntime final : public domain::Runtime {
public:
  // `containers`: the runtime that does what compose is not needed for.
  ComposeRuntime(world::World world, const domain::Stack& stack, docker::Runtime& containers);

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

private:
  using Service = domain::ServiceSpec;
  struct Known { // release.json
    std::string digest;
    std::string image;
    std::string reference;
    std::string pin;
    std::string text_digest; // of compose.yml
  };
  base::Result<Service> as_container(const Service& service);
  base::Result<std::string> reference_of(const Service& service, const std::string& label);
  base::Result<Known> read_known(const std::string& folder);
  base::Result<std::string> over_file(const Service& service, const std::string& pin,
                                      const std::string& folder);
  base::Result<> check_service(const Service& service);
  base::Result<bool> start_made(const Service& service, const std::string& folder,
                                const Known& known);
  base::Result<> check_made(const Service& service, const std::string& folder, const Known& known);
  void look_at_project(const std::vector<Json>& all, std::vector<domain::Finding>& findings);
  base::Result<> look_at_volumes(std::vector<domain::Finding>& findings);
  world::World world_;
  std::string stack_;
  std::string project_folder_;
  docker::Runtime& containers_;
  Client client_;
  Compose compose_;
  bool has_looked_ = false; // what is found of the whole project is told once
};

} // namespace drivers::docker
