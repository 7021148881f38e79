#pragma once
// Machine: who we are, on which host, and what numbers of users and processes mean here.

#include <cstdint>
#include <string>

namespace world {

struct Identity {
  std::string host;
  std::string user;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t pid = 0;
};

class Machine {
public:
  virtual ~Machine() = default;
  virtual Identity identity() = 0;
  virtual bool is_running(std::uint64_t pid) = 0; // some process has this number now
  // Empty when nobody has this number. May be called by several threads at once.
  virtual std::string user_name(std::uint32_t uid) = 0;
  virtual std::string group_name(std::uint32_t gid) = 0;
  virtual unsigned cores() = 0; // that we may use; at least 1
};

} // namespace world
