#pragma once
// Fd: an owned file descriptor, and system calls that return our errors.

#include "base/result.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace os {

class Fd {
public:
  Fd() = default;
  explicit Fd(int number) : number_{number} {}
  Fd(Fd&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); } // whoever calls owns it then
  explicit operator bool() const { return number_ >= 0; }
  base::Result<> close(const std::string& path); // reports what close(2) says

private:
  int number_ = -1;
};

// What `number` (an errno) means, for "unable to <doing> '<path>'".
base::Error error_of(int number, std::string_view doing, const std::string& path);

base::Result<Fd> open_file(const std::string& path, int flags, unsigned mode = 0600);
base::Result<> write_all(const Fd& file, std::string_view bytes, const std::string& path);
base::Result<std::string> read_all(const Fd& file, std::size_t bytes_max, const std::string& path);
base::Result<> sync_file(const Fd& file, const std::string& path);
// fsync of the folder, so that a name made, changed or removed in it is durable.
base::Result<> sync_folder(const std::string& path);

} // namespace os
