#include "cli/stack_paths.hpp"

#include "base/text.hpp"

namespace cli {

using base::Error;
using base::ErrorKind;
using base::Result;

Result<std::vector<std::string>> config_paths(const app::Host& host, const Terminal& terminal,
                                              const std::vector<std::string>& names) {
  if (names.empty())
    return std::vector<std::string>{host.config_path};
  std::vector<std::string> paths;
  for (const std::string& name : names) {
    const std::string path = base::absolute_path(name, terminal.working_folder);
    // A link stands for the file that it leads to: its folder is the project's.
    const std::string real = TRY(host.world.files.resolve(path));
    const auto info = TRY(host.world.files.info(real));
    if (!info || info->kind != world::EntryKind::folder) {
      paths.push_back(real);
      continue;
    }
    for (const std::string& entry : TRY(host.world.files.list(real)))
      if (entry.ends_with(".yaml") && !entry.starts_with('.'))
        paths.push_back(TRY(host.world.files.resolve(real + "/" + entry)));
  }
  if (paths.empty())
    return Error{ErrorKind::not_found, "there is no .yaml in " + base::join(names, ", "),
                 "Link each stack's belay.yaml there, as shop.yaml."};
  return paths;
}

} // namespace cli
