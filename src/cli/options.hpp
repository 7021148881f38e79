#pragma once
// Options: what the command line said, filled in by the parser for the command that was chosen.

#include "cli/evidence.hpp"
#include "cli/init.hpp"
#include "cli/judge_command.hpp"

#include <string>

namespace cli {

struct Options {
  std::string config = "belay.yaml";
  bool is_json = false;
  std::string stack;
  std::string to;
  std::string plan_file;
  std::string out_file;
  std::string until;
  std::string level = "auto";
  std::string operation;
  std::string format = "text";
  std::string id;
  std::string into;
  JudgeOptions judge;
  bool is_yes = false;
  bool no_auto_rollback = false;
  bool is_watch = false;
  bool is_compatible = false;
  bool is_schema = false;
  InitOptions init;
  EvidenceOptions evidence;
};

} // namespace cli
