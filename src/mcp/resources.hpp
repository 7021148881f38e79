#pragma once
// Resources: what an agent can read by address: belay://stacks, belay://stacks/NAME/status,
// belay://stacks/NAME/reports/OPERATION.

#include "mcp/tools.hpp"

#include <string>

namespace mcp {

struct Page {
  nlohmann::json resources = nlohmann::json::array();
  std::string next; // cursor; empty: no more
};
// A page of all; invalid_input: that cursor was never given out.
base::Result<Page> list_resources(errands::Stacks& stacks, const std::string& cursor);
nlohmann::json resource_templates();

struct Opened {
  Poller poll; // of {mimeType, text}
};
base::Result<Opened> open_resource(errands::Stacks& stacks,
                                   const std::string& address); // not_found

} // namespace mcp
