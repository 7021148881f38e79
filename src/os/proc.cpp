#include "os/proc.hpp"

#include "base/text.hpp"
#include "os/fd.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <cstdio>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace os::proc {
namespace {

constexpr std::size_t text_bytes_max = 8U << 20U;

std::string read_text(const std::string& path) {
  const auto file = open_file(path, O_RDONLY);
  if (!file)
    return "";
  auto text = read_all(file.value(), text_bytes_max, path);
  return text ? std::move(text).value() : "";
}

std::string folder_of(int pid) {
  return "/proc/" + std::to_string(pid);
}

template <class Number>
bool read_number(const std::string& word, Number& number, int radix = 10) {
  const auto parsed = std::from_chars(word.data(), word.data() + word.size(), number, radix);
  return parsed.ec == std::errc{} && parsed.ptr == word.data() + word.size();
}

// "0100007F" and its like: is this address one that a client on this machine reaches by loopback?
bool is_reached_by_loopback(const std::string& address) {
  const bool is_any = std::ranges::all_of(address, [](char c) { return c == '0'; });
  const bool is_v4 = address.size() == 8 && address.ends_with("7F");
  const bool is_v6 = address == "00000000000000000000000001000000";
  const bool is_mapped = address.starts_with("0000000000000000FFFF0000") && address.ends_with("7F");
  return is_any || is_v4 || is_v6 || is_mapped;
}

void add_listeners(const std::string& table, int port, std::set<std::string>& inodes) {
  for (const std::string& line : base::split(table, '\n')) {
    std::vector<std::string> words;
    for (std::string& word : base::split(line, ' '))
      if (!word.empty())
        words.push_back(std::move(word));
    if (words.size() < 10 || words[3] != "0A") // TCP_LISTEN
      continue;
    const auto colon = words[1].rfind(':');
    int local = 0;
    if (colon != std::string::npos && read_number(words[1].substr(colon + 1), local, 16) &&
        local == port && is_reached_by_loopback(words[1].substr(0, colon)))
      inodes.insert(words[9]);
  }
}

} // namespace

// "pid (comm) S ppid pgrp session ..."; comm may hold spaces and parentheses, so it ends at the
// last parenthesis.
bool parse_stat(const std::string& text, Stat& stat) {
  const auto comm_end = text.rfind(')');
  if (comm_end == std::string::npos || comm_end + 2 >= text.size())
    return false;
  const auto words = base::split(std::string_view{text}.substr(comm_end + 2), ' ');
  if (words.size() < 20 || words[0].size() != 1)
    return false;
  stat.state = words[0][0];
  return read_number(words[1], stat.parent_pid) && read_number(words[3], stat.session) &&
         read_number(words[19], stat.start_ticks); // field 22, starttime
}

bool read_stat(int pid, Stat& stat) {
  return parse_stat(read_text(folder_of(pid) + "/stat"), stat);
}

bool is_living(const Stat& stat) {
  return stat.state != 'Z' && stat.state != 'X' && stat.state != '?';
}

std::vector<int> pids() {
  std::vector<int> found;
  DIR* folder = ::opendir("/proc");
  if (folder == nullptr)
    return found;
  while (const dirent* entry = ::readdir(folder)) {
    int pid = 0;
    if (read_number(std::string{entry->d_name}, pid))
      found.push_back(pid);
  }
  ::closedir(folder);
  std::ranges::sort(found);
  return found;
}

world::Environment environment_of(int pid) {
  world::Environment environment;
  for (const std::string& entry : base::split(read_text(folder_of(pid) + "/environ"), '\0')) {
    const auto equals = entry.find('=');
    if (equals != std::string::npos)
      environment.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return environment;
}

std::string boot_id() {
  std::string text = read_text("/proc/sys/kernel/random/boot_id");
  while (text.ends_with('\n'))
    text.pop_back();
  return text;
}

world::ProcessInfo info_of(int pid, const Stat& stat, const world::Environment& environment) {
  world::ProcessInfo info;
  info.id = {pid, stat.start_ticks, boot_id()};
  info.parent_pid = stat.parent_pid;
  info.is_leader = stat.session == pid;
  for (const auto& [name, value] : environment)
    if (name.starts_with("BELAY_"))
      info.tags.emplace_back(name, value);
  return info;
}

std::set<std::string> listening_inodes(int port) {
  std::set<std::string> inodes;
  add_listeners(read_text("/proc/net/tcp"), port, inodes);
  add_listeners(read_text("/proc/net/tcp6"), port, inodes);
  return inodes;
}

bool has_socket(int pid, const std::set<std::string>& inodes) {
  const std::string path = folder_of(pid) + "/fd";
  DIR* folder = ::opendir(path.c_str());
  if (folder == nullptr)
    return false;
  bool found = false;
  while (const dirent* entry = ::readdir(folder)) {
    std::array<char, 64> target{};
    const auto length =
        ::readlink((path + "/" + entry->d_name).c_str(), target.data(), target.size() - 1);
    const std::string_view text{target.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
    if (text.starts_with("socket:[") && text.ends_with("]") &&
        inodes.contains(std::string{text.substr(8, text.size() - 9)}))
      found = true;
  }
  ::closedir(folder);
  return found;
}

} // namespace os::proc
