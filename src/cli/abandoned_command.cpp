#include "cli/abandoned_command.hpp"

#include "app/stack_places.hpp"
#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/render.hpp"
#include "cli/repo_say.hpp"
#include "cli/say.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace cli {

using base::Error;
using base::ErrorKind;

int abandoned(const app::Host& host, const Terminal& terminal, bool is_json) {
  const auto all = app::points(host);
  if (!all)
    return fail(terminal, all.error(), status_of(all.error(), false), is_json);
  std::vector<app::KnownPoint> shown;
  for (const state::RestorePoint& point : all.value())
    if (point.is_abandoned())
      shown.push_back(app::local_point(point));
  if (is_json)
    return print(terminal, points_json(shown));
  return print(terminal, shown.empty() ? "no abandoned sets: no way back has swapped anything out\n"
                                       : points_text(shown, host.world.clock.now()));
}

int abandoned_show(const app::Host& host, const Terminal& terminal, const std::string& id,
                   bool is_json) {
  const auto all = app::points(host);
  if (!all)
    return fail(terminal, all.error(), status_of(all.error(), false), is_json);
  const auto found = std::ranges::find(all.value(), id, &state::RestorePoint::id);
  if (found == all.value().end() || !found->is_abandoned()) {
    const Error error{ErrorKind::not_found, "no abandoned set '" + id + "'",
                      "List them with 'belay abandoned'."};
    return fail(terminal, error, status_of(error, false), is_json);
  }
  return print(terminal, state::to_json(*found));
}

int abandoned_export(const app::Host& host, const Terminal& terminal, const std::string& id,
                     const std::string& into, bool is_json) {
  const auto folders =
      app::export_abandoned(host, id, base::absolute_path(into, terminal.working_folder));
  if (!folders)
    return fail(terminal, folders.error(), status_of(folders.error(), false), is_json);
  if (is_json)
    return print(terminal, line_of({{"exported", folders.value()}}));
  return print(terminal, folders.value().empty()
                             ? "it holds no data: only a config\n"
                             : "exported to " + base::join(folders.value(), ", ") + "\n");
}

} // namespace cli
