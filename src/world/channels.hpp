#pragma once
// Channels: a program that we talk with over its standard input and output, as ssh.

#include "base/result.hpp"
#include "world/clock.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace world {

// For one thread. Whoever destroys it ends the program.
class Channel {
public:
  virtual ~Channel() = default;
  // unavailable: the program has ended, or for `patience` took nothing.
  virtual base::Result<> write(std::string_view bytes, Milliseconds patience) = 0;
  // Exactly so many bytes. unavailable: the program has ended, or for `patience` said nothing.
  virtual base::Result<std::string> read(std::size_t bytes, Milliseconds patience) = 0;
  // The last of what it said on standard error; after an error, all that there is.
  virtual std::string complaint() = 0;
};

class Channels {
public:
  virtual ~Channels() = default;
  // No shell is involved, and no terminal: it can ask nobody anything. not_found: no such program.
  virtual base::Result<std::unique_ptr<Channel>> open(const std::vector<std::string>& argv) = 0;
};

} // namespace world
