#include "app/held_files.hpp"

namespace app {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

std::string held_name(const std::string& path) {
  return path + ".belay-held";
}

Result<> HeldFiles::hold() {
  for (const std::string& path : paths_) {
    const std::string held = held_name(path);
    const bool is_there = TRY(files_.info(path)).has_value();
    const bool is_held = TRY(files_.info(held)).has_value();
    if (is_there && is_held)
      return Error{ErrorKind::conflict, "'" + path + "' and '" + held + "' are both there",
                   "Keep the one that is right under the first name, and remove the other."};
    if (is_there)
      TRY(files_.rename(path, held));
  }
  return ok();
}

Result<> HeldFiles::let_go() {
  for (const std::string& path : paths_) {
    const std::string held = held_name(path);
    if (TRY(files_.info(held)) && !TRY(files_.info(path)))
      TRY(files_.rename(held, path));
  }
  return ok();
}

} // namespace app
