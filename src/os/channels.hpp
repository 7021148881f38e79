#pragma once
// Channels: world::Channels by pipes.

#include "world/channels.hpp"

namespace os {

class Channels final : public world::Channels {
public:
  base::Result<std::unique_ptr<world::Channel>> open(const std::vector<std::string>& argv) override;
};

} // namespace os
