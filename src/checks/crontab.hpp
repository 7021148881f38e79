#pragma once
// Crontab: the lines of a crontab that are commands, and how some of them are held: a held line is
// a comment that names whose it is, so that the file itself is the record of what to give back, and
// every other line may change meanwhile. Pure.
//
//   # held by belay (shop, o-20261121T023405.123Z-1a2b): */2 * * * * /opt/watchdog.sh

#include <string>
#include <string_view>
#include <vector>

namespace checks {

struct CronLine {
  int number = 0; // in its file, from 1
  std::string user;
  std::string command;
  std::string text; // the whole line
  bool operator==(const CronLine&) const = default;
};
// crontab(5). `has_user`: the form of /etc/crontab, with a user before the command. Lines that are
// no command are passed over.
std::vector<CronLine> parse_crontab(std::string_view text, bool has_user);

struct Holder {
  std::string stack;
  std::string operation;
  bool operator==(const Holder&) const = default;
};
struct HeldLine {
  int number = 0; // in its file, from 1
  Holder holder;
  std::string text; // the line as it was
  bool operator==(const HeldLine&) const = default;
};
// Only what hold_lines() writes is one.
std::vector<HeldLine> held_lines(std::string_view text);

// The crontab with every command line in which `words` stands held. All other bytes are as they
// were. Idempotent.
std::string hold_lines(std::string_view text, std::string_view words, const Holder& holder);
// The crontab with all lines of this holder as they were, wherever they stand by now. Idempotent.
std::string give_back_lines(std::string_view text, const Holder& holder);

} // namespace checks
