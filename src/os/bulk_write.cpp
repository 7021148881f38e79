#include "os/bulk_write.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <unistd.h>

namespace os {

using base::ok;
using base::Result;

namespace {

constexpr std::size_t direct_bytes_min = 1U << 20U;
constexpr std::size_t aligned_bytes = 4096; // no disk wants more
constexpr std::size_t step_bytes = 2U << 20U;

struct Aligned {
  std::unique_ptr<char, decltype(&std::free)> bytes{
      static_cast<char*>(std::aligned_alloc(aligned_bytes, step_bytes)), &std::free};
};

// False: this cannot be written so, and nothing was.
Result<bool> write_blocks(const Fd& direct, std::string_view bytes, std::uint64_t offset,
                          const std::string& path) {
  const char* from = bytes.data();
  if (reinterpret_cast<std::uintptr_t>(from) % aligned_bytes != 0) {
    thread_local const Aligned aligned;
    CHECK(aligned.bytes != nullptr);
    std::memcpy(aligned.bytes.get(), from, bytes.size());
    from = aligned.bytes.get();
  }
  const auto written = ::pwrite(direct.get(), from, bytes.size(), static_cast<off_t>(offset));
  if (written < 0 && (errno == EINVAL || errno == EOPNOTSUPP || errno == EINTR))
    return false;
  if (written < 0)
    return error_of(errno, "write", path);
  return static_cast<std::size_t>(written) == bytes.size();
}

} // namespace

Result<> write_at(const Fd& file, std::string_view bytes, std::uint64_t offset,
                  const std::string& path) {
  while (!bytes.empty()) {
    const auto written =
        ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return error_of(errno, "write", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return ok();
}

bool BulkWriter::is_direct(const Fd& file) {
  const std::scoped_lock guard{mutex_};
  if (!is_tried_) {
    const std::string path = "/proc/self/fd/" + std::to_string(file.get());
    direct_ = Fd{::open(path.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC)};
    is_tried_ = true;
  }
  return static_cast<bool>(direct_);
}

Result<> BulkWriter::write(const Fd& file, std::string_view bytes, std::uint64_t offset,
                           const std::string& path) {
  if (bytes.size() < direct_bytes_min || !is_direct(file))
    return write_at(file, bytes, offset, path);
  const std::size_t head = (aligned_bytes - offset % aligned_bytes) % aligned_bytes;
  TRY(write_at(file, bytes.substr(0, head), offset, path));
  bytes.remove_prefix(head);
  offset += head;
  while (bytes.size() >= aligned_bytes) {
    const std::string_view step =
        bytes.substr(0, std::min(bytes.size() / aligned_bytes * aligned_bytes, step_bytes));
    if (!TRY(write_blocks(direct_, step, offset, path)))
      break; // the rest goes the other way
    bytes.remove_prefix(step.size());
    offset += step.size();
  }
  return write_at(file, bytes, offset, path);
}

} // namespace os
