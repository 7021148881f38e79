#include "os/machine.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <vector>

#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <unistd.h>

namespace os {
namespace {

constexpr std::size_t record_bytes = 64U << 10U;

std::string find_user(std::uint32_t uid) {
  std::vector<char> buffer(record_bytes);
  passwd record{};
  passwd* found = nullptr;
  ::getpwuid_r(uid, &record, buffer.data(), buffer.size(), &found);
  return found == nullptr ? "" : found->pw_name;
}

std::string find_group(std::uint32_t gid) {
  std::vector<char> buffer(record_bytes);
  group record{};
  group* found = nullptr;
  ::getgrgid_r(gid, &record, buffer.data(), buffer.size(), &found);
  return found == nullptr ? "" : found->gr_name;
}

} // namespace

world::Identity Machine::identity() {
  std::array<char, HOST_NAME_MAX + 1> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0)
    host[0] = '\0';
  return {host.data(), user_name(::getuid()), ::getuid(), ::getgid(),
          static_cast<std::uint64_t>(::getpid())};
}

bool Machine::is_running(std::uint64_t pid) {
  if (pid == 0 || pid > INT_MAX)
    return false;
  return ::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM;
}

std::string Machine::user_name(std::uint32_t uid) {
  const std::scoped_lock guard{mutex_};
  const auto known = users_.find(uid);
  return known != users_.end() ? known->second : users_.emplace(uid, find_user(uid)).first->second;
}

std::string Machine::group_name(std::uint32_t gid) {
  const std::scoped_lock guard{mutex_};
  const auto known = groups_.find(gid);
  return known != groups_.end() ? known->second
                                : groups_.emplace(gid, find_group(gid)).first->second;
}

unsigned Machine::cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0)
    return 1;
  return std::max(1U, static_cast<unsigned>(CPU_COUNT(&allowed)));
}

} // namespace os
