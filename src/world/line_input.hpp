#pragma once
// LineInput: lines that somebody sends us as long as he likes.

#include "world/clock.hpp"

#include <string>

namespace world {

struct InputLine {
  enum class Kind {
    line,     // without its newline
    nothing,  // within the time; or somebody asked us to stop
    too_long, // it was passed over up to its newline
    end,      // no more will come; bytes without a newline behind the last one were no line
  };
  Kind kind = Kind::nothing;
  std::string text;
};

class LineInput {
public:
  virtual ~LineInput() = default;
  // Waits for the next line, at most so long.
  virtual InputLine next(Milliseconds wait) = 0;
};

} // namespace world
