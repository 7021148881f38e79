#include "cli/points_command.hpp"

#include "app/stack_places.hpp"
#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/render.hpp"
#include "cli/repo_say.hpp"

#include <nlohmann/json.hpp>

namespace cli {

namespace {

void print(const Terminal& terminal, const std::string& text) {
  std::fputs(text.c_str(), terminal.out);
  std::fflush(terminal.out);
}

void say(const Terminal& terminal, const base::Error& error) {
  std::fprintf(terminal.err, "belay: %s\n", base::printable(error.message).c_str());
  if (!error.hint.empty())
    std::fprintf(terminal.err, "hint: %s\n", base::printable(error.hint).c_str());
}

} // namespace

int points(const app::Host& host, const Terminal& terminal, const std::string& stack,
           bool is_json) {
  const auto known =
      app::known_points(host, {*terminal.folders, *terminal.machine, *terminal.channels}, stack,
                        [&](const std::string& notice) {
                          say(terminal, {base::ErrorKind::failed, notice, ""});
                        });
  if (!known) {
    const int status = status_of(known.error(), false);
    if (is_json)
      print(terminal, line_of({{"event", "error"},
                               {"message", known.error().message},
                               {"hint", known.error().hint},
                               {"exit_status", status}}));
    say(terminal, known.error());
    return status;
  }
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

} // namespace cli
