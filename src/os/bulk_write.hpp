#pragma once
// Bulk write: large amounts past the kernel's cache, where the file system lets us.

#include "os/fd.hpp"

#include <cstdint>
#include <mutex>
#include <string_view>

namespace os {

// Buffered, every byte is copied into memory that the kernel first has to find, and other people's
// pages go for it. Several threads may write to one file at once, each its own bytes: what is in no
// whole block goes through the cache, the blocks do not, and no block is written both ways.
class BulkWriter {
public:
  base::Result<> write(const Fd& file, std::string_view bytes, std::uint64_t offset,
                       const std::string& path);

private:
  bool is_direct(const Fd& file);
  std::mutex mutex_;
  Fd direct_;
  bool is_tried_ = false;
};

// Through the cache.
base::Result<> write_at(const Fd& file, std::string_view bytes, std::uint64_t offset,
                        const std::string& path);

} // namespace os
