#pragma once
// Random: unguessable tokens.

#include <cstddef>
#include <span>
#include <string>

namespace world {

class Random {
public:
  virtual ~Random() = default;
  // `count` lower-case hexadecimal digits from the system's generator.
  virtual std::string hex(std::size_t count) = 0;
  // Unguessable bytes from the system's generator. May be called by several threads at once.
  virtual void fill(std::span<unsigned char> bytes) = 0;
};

} // namespace world
