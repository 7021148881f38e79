#pragma once
// Zstd: one blob, one frame, with its content size in the header (RFC 8878).

#include "base/result.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace repo::format {

// For one thread.
class Compressor {
public:
  explicit Compressor(int level); // as the program zstd counts them; 1 is fast
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  void compress(std::string_view plain, std::string& out); // appends

private:
  struct State;
  std::unique_ptr<State> state_;
};

// For one thread.
class Decompressor {
public:
  Decompressor();
  ~Decompressor();
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  // Replaces `plain`. corrupt, also when it is not exactly `size_bytes` long.
  base::Result<> decompress(std::string_view frame, std::size_t size_bytes, std::string& plain);
  base::Result<> decompress(std::string_view frame, std::span<char> plain); // fills it
  // Of unknown size. corrupt, also when it is longer than `bytes_max`.
  base::Result<std::string> decompress_any(std::string_view frame, std::size_t bytes_max);

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace repo::format
