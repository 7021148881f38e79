#pragma once
// Bytes: memory that is about to be written over need not be set to zero first.

#include <cstddef>
#include <string>

namespace base {

// What is new at the end is of any value.
inline void resize_unset(std::string& bytes, std::size_t size) {
  // The size that libstdc++ 12 hands on may be larger than what was asked for.
  bytes.resize_and_overwrite(size, [size](char*, std::size_t) { return size; });
}

} // namespace base
