#pragma once
// Random: unguessable tokens.

#include <cstddef>
#include <string>

namespace world {

class Random {
public:
  virtual ~Random() = default;
  // `count` lower-case hexadecimal digits from the system's generator.
  virtual std::string hex(std::size_t count) = 0;
};

} // namespace world
