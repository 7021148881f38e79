// Any bytes as the files that checks read of others: env files, compose files, crontabs, units.

#include "checks/crontab.hpp"
#include "checks/hands.hpp"
#include "checks/neighbours.hpp"
#include "checks/semver.hpp"
#include "checks/variables.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  for (const checks::Variable& variable : checks::parse_variables(text)) {
    CHECK(!variable.name.empty());
    static_cast<void>(checks::is_placeholder(variable.name, variable.value));
  }
  static_cast<void>(checks::wanted_by_compose(text));
  static_cast<void>(checks::keys_of_values(text));
  static_cast<void>(checks::values_in_yaml(text, {"A"}));
  static_cast<void>(checks::parse_compose(text, "/p"));
  static_cast<void>(checks::parse_other_stack(text, "/p"));
  static_cast<void>(checks::parse_unit_file(text));
  for (const checks::CronLine& line : checks::parse_crontab(text, true))
    for (const std::string& path : checks::files_in_command(line.command))
      CHECK(path.starts_with('/'));
  const checks::Holder holder{"shop", "o-1"};
  const std::string before = checks::give_back_lines(text, holder); // nothing is ours
  const std::string held = checks::hold_lines(before, "/", holder);
  CHECK(checks::hold_lines(held, "/", holder) == held);
  CHECK(checks::give_back_lines(held, {"shop", "o-2"}) == held);
  if (checks::give_back_lines(before, holder) == before) // a line can be held twice by hand
    CHECK(checks::give_back_lines(held, holder) == before);
  static_cast<void>(checks::touch_of(text, {{"/srv"}, {"web"}, {80}}));
  static_cast<void>(checks::class_between(text, "1.0.0"));
  return 0;
}
