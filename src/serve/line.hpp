#pragma once
// Line: what the daemon says, for a journal: to be shown as text or as JSON.

#include <functional>
#include <string>
#include <utility>

namespace serve {

enum class Level { info, warning, error };

struct Line {
  Line(std::string said) : message{std::move(said)} {} // of the daemon itself
  Line(const char* said) : message{said} {}
  Line(Level of, std::string whose, std::string said)
      : level{of}, stack{std::move(whose)}, message{std::move(said)} {}
  Level level = Level::info;
  std::string stack; // empty: of none alone
  std::string message;
};
using Tell = std::function<void(const Line& line)>;

inline const char* name_of(Level level) {
  return level == Level::info ? "info" : level == Level::warning ? "warning" : "error";
}

} // namespace serve
