#include "os/tree_attributes.hpp"

#include "base/digest.hpp"

#include <array>
#include <cerrno>

#include <linux/limits.h>
#include <sys/xattr.h>

namespace os {

using base::ok;
using base::Result;

namespace {

// The system calls in their two forms: by descriptor, and by name without following a link. There
// is no l*xattrat; /proc/self/fd is the way to say "this name in that folder".
class Attributed {
public:
  Attributed(const Fd& file, const std::string& whole) : file_{file.get()}, whole_{whole} {}
  explicit Attributed(const Spot& spot)
      : path_{"/proc/self/fd/" + std::to_string(spot.folder.get()) + "/" + spot.name},
        whole_{spot.whole} {}
  ssize_t list(char* to, std::size_t size) const {
    return path_.empty() ? ::flistxattr(file_, to, size) : ::llistxattr(path_.c_str(), to, size);
  }
  ssize_t get(const char* name, char* to, std::size_t size) const {
    return path_.empty() ? ::fgetxattr(file_, name, to, size)
                         : ::lgetxattr(path_.c_str(), name, to, size);
  }
  int set(const char* name, const std::string& value) const {
    return path_.empty() ? ::fsetxattr(file_, name, value.data(), value.size(), 0)
                         : ::lsetxattr(path_.c_str(), name, value.data(), value.size(), 0);
  }
  int remove(const char* name) const {
    return path_.empty() ? ::fremovexattr(file_, name) : ::lremovexattr(path_.c_str(), name);
  }
  const std::string& whole() const { return whole_; }

private:
  int file_ = -1;
  std::string path_;
  const std::string& whole_;
};

bool needs_privilege(const std::string& name) {
  return name.starts_with("trusted.") || name.starts_with("security.");
}

Result<std::string> names_of(const Attributed& target) {
  std::array<char, 1024> small{};
  const auto size = target.list(small.data(), small.size());
  if (size >= 0)
    return std::string{small.data(), static_cast<std::size_t>(size)};
  if (errno == ENOTSUP || errno == ENOENT)
    return std::string{};
  if (errno != ERANGE)
    return error_of(errno, "list the attributes of", target.whole());
  std::string names(XATTR_LIST_MAX, '\0');
  const auto whole = target.list(names.data(), names.size());
  if (whole < 0)
    return error_of(errno, "list the attributes of", target.whole());
  names.resize(static_cast<std::size_t>(whole));
  return names;
}

Result<Attributes> read(const Attributed& target) {
  Attributes attributes;
  const std::string names = TRY(names_of(target));
  for (std::size_t at = 0; at < names.size();) {
    const std::string name = names.c_str() + at;
    at += name.size() + 1;
    std::string value(XATTR_SIZE_MAX, '\0');
    const auto size = target.get(name.c_str(), value.data(), value.size());
    if (size < 0 && errno == ENODATA)
      continue; // it went since
    if (size < 0)
      return error_of(errno, "read the attribute " + name + " of", target.whole());
    value.resize(static_cast<std::size_t>(size));
    attributes.emplace(name, std::move(value));
  }
  return attributes;
}

Result<> put(const Attributed& target, const Attributes& wanted,
             std::vector<std::string>& not_kept) {
  // A folder with a default ACL gives one to all that is made in it: that is no attribute of the
  // source. A label that the system's policy put there stays.
  const Attributes present = TRY(read(target));
  for (const auto& [name, value] : present)
    if (!wanted.contains(name) && !name.starts_with("security.") &&
        target.remove(name.c_str()) != 0 && errno != ENODATA)
      return error_of(errno, "remove the attribute " + name + " of", target.whole());
  for (const auto& [name, value] : wanted) {
    const auto there = present.find(name);
    if ((there != present.end() && there->second == value) || target.set(name.c_str(), value) == 0)
      continue;
    if (errno != EPERM || !needs_privilege(name))
      return error_of(errno, "set the attribute " + name + " of", target.whole());
    not_kept.push_back(name);
  }
  return ok();
}

} // namespace

bool has_attributes(const Fd& file) {
  return ::flistxattr(file.get(), nullptr, 0) != 0 && errno != ENOTSUP;
}
Result<Attributes> read_attributes(const Fd& file, const std::string& whole) {
  return read(Attributed{file, whole});
}
Result<Attributes> read_attributes(const Spot& spot) {
  return read(Attributed{spot});
}
Result<> put_attributes(const Fd& file, const std::string& whole, const Attributes& wanted,
                        std::vector<std::string>& not_kept) {
  return put(Attributed{file, whole}, wanted, not_kept);
}
Result<> put_attributes(const Spot& spot, const Attributes& wanted,
                        std::vector<std::string>& not_kept) {
  return put(Attributed{spot}, wanted, not_kept);
}

std::string digest_of(const Attributes& attributes) {
  std::string all;
  for (const auto& [name, value] : attributes)
    if (!name.starts_with("security.") || name == "security.capability")
      all += std::to_string(name.size()) + ":" + name + std::to_string(value.size()) + ":" + value;
  return all.empty() ? "" : base::sha256_hex(all);
}

} // namespace os
