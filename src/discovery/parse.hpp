#pragma once
// Parse: what the files of other tools say, as far as discovery wants to know. Pure; words are as
// they stand in the file.

#include "discovery/evidence.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace discovery {

struct UnitText {
  std::vector<std::string> exec; // of the last ExecStart; empty: none that is a plain command
  std::string working_folder;
  std::string user;
  std::vector<std::string> environment_files;
};
UnitText parse_unit(std::string_view text);

// The command of the last line that begins with `exec`; empty: there is none, or only a shell could
// run it. A "$@" at its end is left out.
std::vector<std::string> parse_script(std::string_view text);

struct PackageText {
  std::string name;
  std::string version;
  std::vector<std::string> start;
  std::vector<std::string> databases;
};
std::optional<PackageText> parse_package(std::string_view text); // nullopt: not a JSON object

Compose parse_compose(std::string_view text, const std::string& file);

// Of `helm list --output json`, and of kubectl's three columns: namespace, name, status.
std::vector<HelmRelease> parse_helm(std::string_view json);
std::vector<HelmRelease> parse_kubectl(std::string_view columns);

// The labels of tags in packed-refs.
std::vector<std::string> parse_packed_tags(std::string_view text);

bool says_ok(std::string_view body); // {"status": "ok"}
// The command can be run again as it stands: not a title that a program gave itself.
bool is_command(const std::vector<std::string>& argv);

} // namespace discovery
