#include "app/room.hpp"

#include "base/text.hpp"

namespace app {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

Result<> Room::need(std::string path, std::uint64_t bytes) {
  while (path != "/" && !TRY(files_.info(path)))
    path = base::parent_of(path);
  const auto info = TRY(files_.info(TRY(files_.resolve(path))));
  Need& need = needs_[info ? info->device : 0];
  need.bytes += bytes;
  need.free_bytes = TRY(files_.space(path)).free_bytes;
  need.path = path;
  return ok();
}

Result<> Room::check() const {
  for (const auto& [device, need] : needs_)
    if (need.free_bytes < need.bytes)
      return too_little("on the file system of '" + need.path + "'", need.bytes, need.free_bytes);
  return ok();
}

Error Room::too_little(const std::string& where, std::uint64_t bytes, std::uint64_t free) {
  return {ErrorKind::no_space,
          "there may be too little room " + where + ": " + base::format_bytes(bytes) +
              " may be needed, " + base::format_bytes(free) + " are free",
          "Make room there. Nothing was changed."};
}

} // namespace app
