#include "os/prompt.hpp"

#include <iostream>

#include <termios.h>

namespace os {

namespace {

constexpr std::chrono::milliseconds look_every{200}; // whether to stop; a signal ends the wait too

// Echo is off before the question is seen: whoever answers at once is neither shown nor lost.
class Unseen {
public:
  explicit Unseen(int terminal)
      : terminal_{terminal}, is_terminal_{::tcgetattr(terminal, &before_) == 0} {
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    if (is_terminal_)
      ::tcsetattr(terminal_, TCSAFLUSH, &quiet);
  }
  ~Unseen() {
    if (is_terminal_)
      ::tcsetattr(terminal_, TCSADRAIN, &before_);
  }
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;

private:
  int terminal_;
  termios before_{};
  bool is_terminal_;
};

} // namespace

std::optional<std::string> Prompt::line() {
  while (!clock_.stop_requested()) {
    world::InputLine next = input_.next(look_every);
    if (next.kind == world::InputLine::Kind::line)
      return std::move(next.text);
    if (next.kind != world::InputLine::Kind::nothing)
      break;
  }
  return std::nullopt;
}

std::optional<std::string> Prompt::password(const std::string& question) {
  const Unseen unseen{terminal_};
  std::cerr << question << std::flush;
  auto typed = line();
  std::cerr << "\n";
  return typed;
}

} // namespace os
