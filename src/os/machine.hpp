#pragma once
// Machine: world::Machine of this host.

#include "world/machine.hpp"

#include <map>
#include <mutex>

namespace os {

class Machine final : public world::Machine {
public:
  world::Identity identity() override;
  bool is_running(std::uint64_t pid) override;
  std::string user_name(std::uint32_t uid) override;
  std::string group_name(std::uint32_t gid) override;
  unsigned cores() override;

private:
  std::mutex mutex_;
  std::map<std::uint32_t, std::string> users_; // asking takes a look at /etc/passwd or the network
  std::map<std::uint32_t, std::string> groups_;
};

} // namespace os
