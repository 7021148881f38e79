#pragma once
// LineInput: the real one, of an open descriptor.

#include "world/line_input.hpp"

#include <cstddef>

namespace os {

class LineInput final : public world::LineInput {
public:
  // Does not close it. A line of more than `bytes_max` is too_long.
  explicit LineInput(int descriptor, std::size_t bytes_max = 1U << 20U)
      : descriptor_{descriptor}, bytes_max_{bytes_max} {}
  world::InputLine next(world::Milliseconds wait) override;

private:
  bool take(world::InputLine& line); // of what was read; false: no whole line is there
  int descriptor_;
  std::size_t bytes_max_;
  std::string buffer_;
  std::size_t looked_ = 0; // so many bytes of it hold no newline
  bool is_passing_over_ = false;
  bool has_ended_ = false;
};

} // namespace os
