#include "cli/access_folder.hpp"

#include "base/text.hpp"

namespace cli {

base::Result<std::string> access_folder(const app::Host& host, const Terminal& terminal,
                                        const std::string& given) {
  if (!given.empty())
    return base::absolute_path(given, terminal.working_folder);
  if (terminal.machine->identity().uid == 0)
    return std::string{"/var/lib/belay/access"};
  for (const auto& [name, below] : {std::pair{"XDG_STATE_HOME", "/belay/access"},
                                    std::pair{"HOME", "/.local/state/belay/access"}})
    if (const auto found = host.environment.find(name);
        found != host.environment.end() && found->second.starts_with('/'))
      return found->second + below;
  return base::Error{base::ErrorKind::invalid_input, "there is no place for tokens",
                     "Name a folder with --access, or set XDG_STATE_HOME."};
}

} // namespace cli
