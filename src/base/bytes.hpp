#pragma once
// Bytes: memory that is about to be written over need not be set to zero first.

#include "base/result.hpp"

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>

namespace base {

// What is new at the end is of any value.
inline void resize_unset(std::string& bytes, std::size_t size) {
  // The size that libstdc++ 12 hands on may be larger than what was asked for.
  bytes.resize_and_overwrite(size, [size](char*, std::size_t) { return size; });
}

// Memory that begins at a page: from there a disk takes it as it is.
class PageMemory {
public:
  static constexpr std::size_t page_bytes = 4096;
  // So much of it, of any value; what was in it is gone.
  std::span<char> resize(std::size_t size) {
    if (size > capacity_) {
      capacity_ = (size + page_bytes - 1) / page_bytes * page_bytes;
      bytes_.reset(static_cast<char*>(std::aligned_alloc(page_bytes, capacity_)));
      CHECK(bytes_ != nullptr);
    }
    return {bytes_.get(), size};
  }
  std::span<char> part(std::size_t at, std::size_t size) { return {bytes_.get() + at, size}; }

private:
  struct Free {
    void operator()(char* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<char, Free> bytes_;
  std::size_t capacity_ = 0;
};

} // namespace base
