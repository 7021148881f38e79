#include "os/proc.hpp"

#include "base/text.hpp"
#include "os/fd.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <cstdio>

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
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

// The kernel writes each 32 bits of an address as a number in its own byte order.
std::string address_text(const std::string& hex) {
  std::array<std::uint32_t, 4> words{};
  const std::size_t count = hex.size() / 8;
  if (count != 1 && count != words.size())
    return "";
  for (std::size_t i = 0; i < count; ++i)
    if (!read_number(hex.substr(i * 8, 8), words.at(i), 16))
      return "";
  std::array<char, INET6_ADDRSTRLEN> text{};
  const char* written = ::inet_ntop(count == 1 ? AF_INET : AF_INET6, words.data(), text.data(),
                                    static_cast<socklen_t>(text.size()));
  return written == nullptr ? "" : written;
}

struct Row { // of /proc/net/tcp, of a socket that listens
  std::string address;
  int port = 0;
  std::string inode;
};

std::vector<Row> listening_rows() {
  std::vector<Row> rows;
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"})
    for (const std::string& line : base::split(read_text(path), '\n')) {
      std::vector<std::string> words;
      for (std::string& word : base::split(line, ' '))
        if (!word.empty())
          words.push_back(std::move(word));
      if (words.size() < 10 || words[3] != "0A") // TCP_LISTEN
        continue;
      const auto colon = words[1].rfind(':');
      Row row{words[1].substr(0, colon), 0, words[9]};
      if (colon != std::string::npos && read_number(words[1].substr(colon + 1), row.port, 16))
        rows.push_back(std::move(row));
    }
  return rows;
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
  constexpr unsigned kernel_thread = 0x00200000; // PF_KTHREAD of linux/sched.h
  unsigned flags = 0;
  if (!read_number(words[6], flags)) // field 9
    return false;
  stat.is_of_kernel = (flags & kernel_thread) != 0;
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

namespace {

// After the old program's memory is gone and before the new one's is set up, the kernel shows
// neither arguments nor environment. Then the arguments come first.
bool may_be_in_execve(int pid, const std::string& path) {
  Stat stat;
  return ::access(path.c_str(), R_OK) == 0 && read_stat(pid, stat) && is_living(stat) &&
         !stat.is_of_kernel;
}

std::string environment_text(int pid) {
  constexpr int looks_max = 500;
  constexpr int looks_with_arguments_max = 50; // some programs take theirs away
  constexpr int pause_ms = 2;
  const std::string path = folder_of(pid) + "/environ";
  std::string text = read_text(path);
  int looks_with_arguments = 0;
  for (int look = 0; text.empty() && look < looks_max && may_be_in_execve(pid, path); ++look) {
    const bool has_arguments = !argv_of(pid).empty();
    looks_with_arguments += has_arguments ? 1 : 0;
    if (looks_with_arguments > looks_with_arguments_max)
      break;
    if (!has_arguments)
      ::poll(nullptr, 0, pause_ms);
    text = read_text(path);
  }
  return text;
}

} // namespace

world::Environment environment_of(int pid) {
  world::Environment environment;
  for (const std::string& entry : base::split(environment_text(pid), '\0')) {
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
  for (const Row& row : listening_rows())
    if (row.port == port && is_reached_by_loopback(row.address))
      inodes.insert(row.inode);
  return inodes;
}

std::vector<Socket> listening_sockets() {
  std::vector<Socket> sockets;
  for (const Row& row : listening_rows())
    sockets.push_back({{address_text(row.address), row.port}, row.inode});
  return sockets;
}

std::vector<std::string> argv_of(int pid) {
  const std::string text = read_text(folder_of(pid) + "/cmdline");
  if (text.empty())
    return {};
  return base::split(std::string_view{text}.substr(0, text.size() - (text.back() == '\0')), '\0');
}

std::vector<OpenFile> open_files_of(int pid) {
  std::vector<OpenFile> files;
  const std::string path = folder_of(pid) + "/fd";
  DIR* folder = ::opendir(path.c_str());
  if (folder == nullptr)
    return files;
  while (const dirent* entry = ::readdir(folder)) {
    std::array<char, PATH_MAX> target{};
    const std::string link = path + "/" + entry->d_name;
    const auto length = ::readlink(link.c_str(), target.data(), target.size() - 1);
    struct stat info {};
    if (length > 0 && ::lstat(link.c_str(), &info) == 0)
      files.push_back({{target.data(), static_cast<std::size_t>(length)},
                       (info.st_mode & S_IWUSR) != 0}); // proc(5): how it was opened
  }
  ::closedir(folder);
  return files;
}

bool has_socket(int pid, const std::set<std::string>& inodes) {
  return std::ranges::any_of(open_files_of(pid), [&](const OpenFile& file) {
    const std::string_view text = file.target;
    return text.starts_with("socket:[") && text.ends_with("]") &&
           inodes.contains(std::string{text.substr(8, text.size() - 9)});
  });
}

std::uint64_t memory_bytes_of(int pid) {
  const std::string text = read_text(folder_of(pid) + "/smaps_rollup"); // proc(5): "Pss:  12 kB"
  constexpr std::string_view key = "\nPss:";
  const auto at = text.find(key);
  if (at == std::string::npos)
    return 0;
  const auto digits = text.find_first_not_of(' ', at + key.size());
  const auto end = text.find(' ', digits == std::string::npos ? text.size() : digits);
  std::uint64_t kibibytes = 0;
  if (end == std::string::npos || !read_number(text.substr(digits, end - digits), kibibytes))
    return 0;
  return kibibytes * 1024;
}

} // namespace os::proc
