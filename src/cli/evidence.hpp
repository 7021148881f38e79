#pragma once
// Evidence: what the operator vouches for on the command line.

#include "domain/preflight.hpp"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace cli {

struct EvidenceOptions {
  std::vector<std::string> acknowledged; // NAME
  std::vector<std::string> given;        // NAME=VALUE
};

void add_evidence_options(CLI::App& command, EvidenceOptions& options);
std::vector<domain::GivenEvidence> evidence_of(const EvidenceOptions& options);

} // namespace cli
