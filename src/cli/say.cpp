#include "cli/say.hpp"

#include "base/text.hpp"
#include "cli/exit_status.hpp"

#include <nlohmann/json.hpp>

namespace cli {

using nlohmann::json;

std::string line_of(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

int print(const Terminal& terminal, const std::string& text) {
  std::fputs(text.c_str(), terminal.out);
  std::fflush(terminal.out);
  return exit_done;
}

void say(const Terminal& terminal, const base::Error& error) {
  std::fprintf(terminal.err, "belay: %s\n", base::printable(error.message).c_str());
  if (!error.hint.empty())
    std::fprintf(terminal.err, "hint: %s\n", base::printable(error.hint).c_str());
}

int fail(const Terminal& terminal, const base::Error& error, int status, bool is_json) {
  if (is_json)
    print(terminal, line_of({{"event", "error"},
                             {"message", error.message},
                             {"hint", error.hint},
                             {"exit_status", status}}));
  say(terminal, error);
  return status;
}

} // namespace cli
