#include "os/fd.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

Fd::~Fd() {
  if (number_ >= 0)
    ::close(number_);
}

Result<> Fd::close(const std::string& path) {
  if (::close(std::exchange(number_, -1)) != 0)
    return error_of(errno, "close", path);
  return ok();
}

Error error_of(int number, std::string_view doing, const std::string& path) {
  Error error{ErrorKind::failed,
              "unable to " + std::string{doing} + " '" + path + "': " + std::strerror(number), ""};
  switch (number) {
  case ENOENT:
  case ENOTDIR: error.kind = ErrorKind::not_found; break;
  case EEXIST: error.kind = ErrorKind::conflict; break;
  case ENOSPC:
  case EDQUOT:
    error.kind = ErrorKind::no_space;
    error.hint = "Free some space on its file system, then try again.";
    break;
  case EROFS: error.hint = "The file system is mounted read-only."; break;
  case EACCES:
  case EPERM: error.hint = "Run belay as the user who owns it, or as root."; break;
  default: break;
  }
  return error;
}

Result<Fd> open_file(const std::string& path, int flags, unsigned mode) {
  const int number = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  if (number < 0)
    return error_of(errno, "open", path);
  return Fd{number};
}

Result<> write_all(const Fd& file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const auto written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return error_of(errno, "write", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return ok();
}

Result<std::string> read_all(const Fd& file, std::size_t bytes_max, const std::string& path) {
  std::string bytes;
  std::size_t size = 0;
  for (;;) {
    bytes.resize(size + (64U << 10U));
    const auto got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return error_of(errno, "read", path);
    size += static_cast<std::size_t>(got);
    if (size > bytes_max)
      return Error{ErrorKind::invalid_input,
                   "'" + path + "' is larger than " + std::to_string(bytes_max) + " bytes", ""};
    if (got == 0)
      break;
  }
  bytes.resize(size);
  return bytes;
}

Result<> sync_file(const Fd& file, const std::string& path) {
  if (::fsync(file.get()) != 0)
    return error_of(errno, "sync", path);
  return ok();
}

Result<> sync_folder(const std::string& path) {
  const Fd folder = TRY(open_file(path, O_RDONLY | O_DIRECTORY));
  return sync_file(folder, path);
}

} // namespace os
