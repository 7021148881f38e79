#include "os/line_input.hpp"

#include <array>
#include <cerrno>

#include <poll.h>
#include <unistd.h>

namespace os {

using world::InputLine;

bool LineInput::take(InputLine& line) {
  const auto newline = buffer_.find('\n', looked_);
  if (newline == std::string::npos) {
    looked_ = buffer_.size();
    if (looked_ > bytes_max_) {
      is_passing_over_ = true;
      buffer_.clear();
      looked_ = 0;
    }
    return false;
  }
  const bool is_whole = !is_passing_over_ && newline <= bytes_max_;
  line.kind = is_whole ? InputLine::Kind::line : InputLine::Kind::too_long;
  line.text = is_whole ? buffer_.substr(0, newline) : "";
  is_passing_over_ = false;
  buffer_.erase(0, newline + 1);
  looked_ = 0;
  return true;
}

InputLine LineInput::next(world::Milliseconds wait) {
  InputLine line;
  if (take(line))
    return line;
  if (has_ended_) {
    line.kind = InputLine::Kind::end;
    return line;
  }
  pollfd ready{descriptor_, POLLIN, 0};
  if (::poll(&ready, 1, static_cast<int>(wait.count())) <= 0)
    return line;
  std::array<char, 65536> bytes{};
  const auto got = ::read(descriptor_, bytes.data(), bytes.size());
  if (got > 0)
    buffer_.append(bytes.data(), static_cast<std::size_t>(got));
  else if (got == 0 || (errno != EINTR && errno != EAGAIN))
    has_ended_ = true;
  if (!take(line) && has_ended_)
    line.kind = InputLine::Kind::end;
  return line;
}

} // namespace os
