#include "cli/points_command.hpp"

#include "app/stack_places.hpp"
#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/progress.hpp"
#include "cli/render.hpp"
#include "cli/repo_say.hpp"
#include "cli/say.hpp"

#include <nlohmann/json.hpp>

namespace cli {

namespace {

app::RepoPorts ports_of(const Terminal& terminal) {
  return {*terminal.folders, *terminal.machine, *terminal.channels};
}

} // namespace

int points(const app::Host& host, const Terminal& terminal, const std::string& stack,
           bool is_json) {
  const auto known =
      app::known_points(host, ports_of(terminal), stack, [&](const std::string& notice) {
        say(terminal, {base::ErrorKind::failed, notice, ""});
      });
  if (!known)
    return fail(terminal, known.error(), status_of(known.error(), false), is_json);
  const auto& all = known.value().points;
  if (is_json)
    print(terminal, points_json(all));
  else
    print(terminal, all.empty() ? "no restore points yet: the first upgrade takes one\n"
                                : points_text(all, host.world.clock.now()));
  for (const base::Error& error : known.value().out_of_reach) {
    if (is_json)
      print(terminal, line_of({{"event", "out_of_reach"}, {"message", error.message}}));
    say(terminal, error);
  }
  return exit_done;
}

std::optional<int> bring_point(const app::Host& host, const Terminal& terminal,
                               const app::FetchRequest& wanted, bool is_json) {
  auto trouble = app::Trouble::none;
  app::FetchRequest request = wanted;
  Progress progress{terminal, host.world.clock, is_json};
  request.notice = [&](const std::string& text) {
    const auto held = progress.pause();
    say(terminal, {base::ErrorKind::failed, text, ""});
  };
  request.tell = [&](const app::Doing& doing) { progress.at(doing); };
  request.traffic = &progress.traffic();
  const auto fetched = app::fetch_point(host, ports_of(terminal), request, trouble);
  const auto held = progress.pause();
  if (!fetched) {
    int status = status_of(fetched.error(), false);
    if (trouble == app::Trouble::no_repository)
      status = exit_no_repository;
    if (trouble == app::Trouble::wrong_password)
      status = exit_wrong_password;
    return fail(terminal, fetched.error(), status, is_json);
  }
  if (fetched.value() == app::Fetched::brought)
    print(terminal,
          is_json ? line_of({{"event", "brought"}, {"point", wanted.point}})
                  : "brought " + wanted.point + " from the repository, read back and compared\n");
  return std::nullopt;
}

} // namespace cli
