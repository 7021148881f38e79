#include "app/held_files.hpp"

#include "app/held_lines.hpp"

#include <utility>

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
    const bool is_there = TRY(world_.files.info(path)).has_value();
    const bool is_held = TRY(world_.files.info(held)).has_value();
    if (is_there && is_held)
      return Error{ErrorKind::conflict, "'" + path + "' and '" + held + "' are both there",
                   "Keep the one that is right under the first name, and remove the other."};
    if (is_there)
      TRY(world_.files.rename(path, held));
  }
  return ok();
}

Result<> HeldFiles::let_go() {
  bool has_waited = false;
  for (const std::string& path : paths_) {
    const std::string held = held_name(path);
    if (TRY(world_.files.info(held)) && !TRY(world_.files.info(path))) {
      if (!std::exchange(has_waited, true))
        wait_for_cron(world_.clock);
      TRY(world_.files.rename(held, path));
    }
  }
  return ok();
}

} // namespace app
