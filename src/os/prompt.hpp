#pragma once
// Prompt: what a person types at a terminal, until somebody asks us to stop.

#include "os/line_input.hpp"
#include "world/clock.hpp"

#include <optional>
#include <string>

namespace os {

class Prompt {
public:
  // Does not close `terminal`.
  Prompt(int terminal, world::Clock& clock) : terminal_{terminal}, clock_{clock} {}
  // Without its newline. Nothing: the input has ended, or somebody asked us to stop.
  std::optional<std::string> line();
  // The same after a question on the standard error output, without showing what is typed.
  std::optional<std::string> password(const std::string& question);

private:
  int terminal_;
  world::Clock& clock_;
  LineInput input_{terminal_};
};

} // namespace os
