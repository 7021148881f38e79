#pragma once
// Proc: what /proc says of the processes and sockets of this machine. Linux, proc(5).

#include "world/processes.hpp"

#include <set>
#include <string>
#include <vector>

namespace os::proc {

struct Stat {
  char state = '?';
  int parent_pid = 0;
  int session = 0;
  std::uint64_t start_ticks = 0;
  bool is_of_kernel = false; // a thread of the kernel, which never has an environment
};

// False when the process is gone or the text has no such form. Pure part: parse_stat.
bool parse_stat(const std::string& text, Stat& stat);
bool read_stat(int pid, Stat& stat);
bool is_living(const Stat& stat); // not a zombie, not dead
std::vector<int> pids();
// Empty: not readable. Of a process that is becoming another program (execve) it is the new one's:
// in between it has none, and is waited for, up to a second.
world::Environment environment_of(int pid);
std::string boot_id();
world::ProcessInfo info_of(int pid, const Stat& stat, const world::Environment& environment);
// Inodes of the sockets that listen on this TCP port on loopback or on every address.
std::set<std::string> listening_inodes(int port);
bool has_socket(int pid, const std::set<std::string>& inodes);

struct Socket {
  world::ListeningPort port;
  std::string inode;
};
std::vector<Socket> listening_sockets(); // every TCP socket that listens, on any address
std::vector<std::string> argv_of(int pid);

// Proportional share of physical memory, in bytes; 0: gone, or not readable.
std::uint64_t memory_bytes_of(int pid);

struct OpenFile {
  std::string target; // "/srv/data.db", "socket:[1234]"
  bool is_written = false;
};
std::vector<OpenFile> open_files_of(int pid); // empty: not readable

} // namespace os::proc
