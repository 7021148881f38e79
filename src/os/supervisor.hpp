#pragma once
// Supervisor: the real one: systemd, or who else speaks its protocol of notification.

#include "world/supervisor.hpp"

#include <string>

namespace os {

struct SupervisorVariables { // of the environment, empty when not there
  std::string notify_socket; // NOTIFY_SOCKET: a path, or "@" and a name without a file
  std::string watchdog_usec; // WATCHDOG_USEC
  std::string watchdog_pid;  // WATCHDOG_PID: whom that is for
};

class Supervisor final : public world::Supervisor {
public:
  explicit Supervisor(SupervisorVariables variables) : variables_{std::move(variables)} {}
  bool is_there() override { return !variables_.notify_socket.empty(); }
  base::Result<> tell(const std::string& lines) override;
  std::optional<world::Milliseconds> patience() override;

private:
  SupervisorVariables variables_;
};

} // namespace os
