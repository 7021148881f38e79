// Processes::all_listeners: who listens on this machine, and what can be seen of it.

#include "os/proc.hpp"
#include "os/processes.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <map>

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace os {
namespace {

std::string user_of(int pid) {
  struct stat info {};
  if (::stat(("/proc/" + std::to_string(pid)).c_str(), &info) != 0)
    return "";
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(info.st_uid, &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr)
    return std::to_string(info.st_uid);
  return entry.pw_name;
}

std::string working_folder_of(int pid) {
  std::array<char, PATH_MAX> target{};
  const auto length = ::readlink(("/proc/" + std::to_string(pid) + "/cwd").c_str(), target.data(),
                                 target.size() - 1);
  return length <= 0 ? "" : std::string{target.data(), static_cast<std::size_t>(length)};
}

bool is_plain_file(const std::string& path) {
  struct stat info {};
  return path.starts_with('/') && ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

template <class T>
void sort_unique(std::vector<T>& list) {
  std::ranges::sort(list);
  list.erase(std::unique(list.begin(), list.end()), list.end()); // clang 14 knows no subrange
}

} // namespace

base::Result<std::vector<world::ListeningProcess>> Processes::all_listeners() {
  std::map<std::string, world::ListeningPort> sockets;
  for (const proc::Socket& socket : proc::listening_sockets())
    sockets["socket:[" + socket.inode + "]"] = socket.port;
  std::vector<world::ListeningProcess> all;
  for (const int pid : proc::pids()) {
    world::ListeningProcess listener;
    for (const proc::OpenFile& file : proc::open_files_of(pid)) {
      if (const auto socket = sockets.find(file.target); socket != sockets.end())
        listener.ports.push_back(socket->second);
      else if (file.is_written && is_plain_file(file.target))
        listener.written_files.push_back(file.target);
    }
    proc::Stat stat;
    if (listener.ports.empty() || !proc::read_stat(pid, stat) || !proc::is_living(stat))
      continue;
    sort_unique(listener.ports);
    sort_unique(listener.written_files);
    listener.environment = proc::environment_of(pid);
    listener.process = proc::info_of(pid, stat, listener.environment);
    listener.argv = proc::argv_of(pid);
    listener.working_folder = working_folder_of(pid);
    listener.user = user_of(pid);
    all.push_back(std::move(listener));
  }
  return all;
}

} // namespace os
