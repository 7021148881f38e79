#pragma once
// Runtime `systemd`: services that are units of systemd. belay starts and stops them, and changes
// what they run by one drop-in of its own (`exec_start` is given) or by the `current` link that the
// unit file names. It never edits a file that is not its own. Decision:
// docs/adr/0008-systemd-units.md.
//
//   /etc/systemd/system/UNIT.d/zz-belay-release.conf   what it runs, when `exec_start` is given
//   /etc/systemd/system/UNIT.d/zz-belay-hold.conf      only from `hold` to `let_go`
//   <state>/run/<service>.starts      which release a start was made from
//   <state>/run/<service>.held        what `hold` found and stopped, to be left as it was
//   <state>/run/<service>.may-start   the gate: while held, nothing starts the unit without it

#include "domain/runtime.hpp"
#include "drivers/systemd/files.hpp"
#include "drivers/systemd/manager.hpp"
#include "releases/releases.hpp"
#include "world/world.hpp"

#include <string>

namespace drivers::systemd {

class Runtime final : public domain::Runtime {
public:
  // `units_folder`: "/etc/systemd/system".
  Runtime(world::World world, std::string stack, std::string project_folder,
          std::string state_folder, std::string search_path, std::string units_folder);

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
  base::Result<> discard(const domain::ServiceSpec& service,
                         const domain::Release& release) override;

private:
  using Service = domain::ServiceSpec;
  std::string drop_in(const Service& service, std::string_view name) const;
  std::string own_file(const Service& service, std::string_view suffix) const;
  base::Result<> wait(const Service& service);
  base::Result<Service> with_program(const Service& service);
  base::Result<Held> read_held(const Service& service);
  base::Result<Held> held_now(const Service& service, const Unit& unit);
  base::Result<> start_triggers(const Service& service, const std::vector<std::string>& triggers);
  base::Result<> give_back(const Service& service, const Held& held);
  base::Result<Starts> read_starts(const Service& service);
  base::Result<> write_starts(const Service& service, const Starts& starts);
  base::Result<std::string> folder_of(const Service& service, const Unit& unit);
  base::Result<> load_release(const Service& service, const std::string& folder);
  base::Result<> check_none_is_stronger(const Service& service, const Unit& unit);
  base::Result<> check_loaded(const Service& service, const std::string& folder);
  base::Result<> wait_for_start(const Service& service);
  base::Result<> start_unit(const Service& service);
  base::Result<std::vector<int>> left_of(const Unit& unit);
  base::Result<bool> is_gone_by(const Service& service, world::Milliseconds deadline);
  base::Result<std::vector<std::string>> active_triggers(const Unit& unit);
  base::Result<std::string> log_at_most(const Service& service, int lines, std::size_t bytes_max);
  base::Result<> check_held(const Service& service);
  world::World world_;
  std::string stack_;
  std::string project_folder_;
  std::string state_folder_;
  std::string units_folder_;
  Manager manager_;
  releases::Releases releases_;
};

} // namespace drivers::systemd
