#pragma once
// Judge command: the face of `belay judge`.

#include "app/app.hpp"
#include "cli/cli.hpp"

#include <string>

namespace CLI {
class App;
}

namespace cli {

struct JudgeOptions {
  std::string operation; // empty: the newest
  std::string record;    // for how long
  bool is_replay = false;
};

void add_judge_options(CLI::App& command, JudgeOptions& options);

// Returns the exit status: a verdict that is bad, or another than then, is no failure to tell it.
int judge(const app::Host& host, const Terminal& terminal, const JudgeOptions& options,
          bool is_json);

} // namespace cli
