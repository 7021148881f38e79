#pragma once
// Files: what this driver writes, as text. Drop-ins are systemd's format; the others are our own.

#include "base/result.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace drivers::systemd {

// One word of ExecStart= or Environment=, so that systemd reads exactly this text. `has_variables`:
// where it would replace $NAME.
std::string quoted(std::string_view word, bool has_variables);

struct ReleaseText {
  std::string stack;
  std::string folder; // of the release
  std::vector<std::string> argv;
  std::string working_folder; // empty: as the unit says
  std::vector<std::pair<std::string, std::string>> environment;
};
std::string release_drop_in(const ReleaseText& text);
// The release folder that such a drop-in names; nullopt: it is none of ours.
std::optional<std::string> folder_in(std::string_view drop_in);

// Nothing starts the unit while `gate` does not exist, and systemd does not restart it by itself.
std::string hold_drop_in(const std::string& stack, const std::string& gate);
// Nothing starts the timer or path unit, whoever asks, a boot too.
std::string hold_trigger_drop_in(const std::string& stack);

// Which release a start of the unit was made from. Written before the start, so that it is true
// whenever we die; see docs/adr.
struct Starts {
  std::string invocation;        // this start
  std::string invocation_folder; // was from here; empty: nobody knows
  std::string next_folder;       // every other start is from here; empty: nobody knows
  bool operator==(const Starts&) const = default;
};
std::string text_of(const Starts& starts);
Starts starts_in(std::string_view text); // empty, when it is not ours

// What a hold found, and has to leave as it was.
struct Held {
  std::vector<std::string> triggers; // stopped, to be started again
  bool is_foreign = false;           // the unit ran something that belay did not start
  std::string link;                  // and `current` was this; empty: there was none
  bool operator==(const Held&) const = default;
};
std::string text_of(const Held& held);
Held held_in(std::string_view text); // empty, when it is not ours

} // namespace drivers::systemd
