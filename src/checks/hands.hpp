#pragma once
// Hands: what other programs are told to do, and whether it touches this stack. Pure.

#include <string>
#include <string_view>
#include <vector>

namespace checks {

struct UnitFile {                    // of systemd, as far as it matters here
  std::vector<std::string> commands; // ExecStart, ExecStartPre, ExecStartPost
  std::string unit;                  // Unit= of a timer or path
};
UnitFile parse_unit_file(std::string_view text);

// The files that a command line names, absolute: also "./x" after a "cd FOLDER".
std::vector<std::string> files_in_command(std::string_view command);

// By what somebody else would touch this stack.
struct Marks {
  std::vector<std::string> folders; // absolute
  std::vector<std::string> names;   // of services, units and the stack
  std::vector<int> ports;
};
struct Touch {
  std::string by;   // "'/srv/shop'", "port 8080"; empty: it does not touch it
  std::string word; // what it does that an operation cannot bear: "docker compose"; may be empty
};
Touch touch_of(std::string_view text, const Marks& marks);

bool is_belays(std::string_view command); // it calls belay itself

} // namespace checks
