#pragma once
// Redis: world::Redis by libhiredis. Each question has a connection of its own.

#include "os/effects.hpp"
#include "world/redis.hpp"

namespace os {

class Redis final : public world::Redis {
public:
  explicit Redis(Effects& effects) : effects_{effects} {}
  base::Result<world::RedisReply> ask(const world::RedisPlace& place,
                                      const std::vector<std::string>& words,
                                      world::Milliseconds timeout) override;
  base::Result<world::RedisReply> tell(const world::RedisPlace& place,
                                       const std::vector<std::string>& words,
                                       world::Milliseconds timeout) override;

private:
  Effects& effects_;
};

} // namespace os
