#include "cli/evidence.hpp"

#include <CLI/CLI.hpp>

namespace cli {

void add_evidence_options(CLI::App& command, EvidenceOptions& options) {
  const auto is_pair = [](const std::string& text) {
    const auto equals = text.find('=');
    return equals == 0 || equals == std::string::npos ? "'" + text + "' is not NAME=VALUE"
                                                      : std::string{};
  };
  command
      .add_option("--ack", options.acknowledged, "acknowledge what a check asks for, by its name")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command
      .add_option("--evidence", options.given,
                  "evidence for a check; it is recorded with the operation")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false)
      ->check(is_pair);
}

std::vector<domain::GivenEvidence> evidence_of(const EvidenceOptions& options) {
  std::vector<domain::GivenEvidence> all;
  for (const std::string& name : options.acknowledged)
    all.push_back({name, "acknowledged"});
  for (const std::string& pair : options.given) {
    const auto equals = pair.find('=');
    all.push_back({pair.substr(0, equals), pair.substr(equals + 1)});
  }
  return all;
}

} // namespace cli
