#pragma once
// Counted: a channel over another one, that counts what goes through it.

#include "world/channels.hpp"
#include "world/traffic.hpp"

#include <memory>
#include <utility>

namespace repo::backend {

class Counted final : public world::Channel {
public:
  Counted(std::unique_ptr<world::Channel> inner, world::Traffic& traffic)
      : inner_{std::move(inner)}, traffic_{traffic} {}

  base::Result<> write(std::string_view bytes, world::Milliseconds patience) override {
    auto written = inner_->write(bytes, patience);
    if (written)
      traffic_.sent_bytes += bytes.size();
    return written;
  }
  base::Result<std::string> read(std::size_t bytes, world::Milliseconds patience) override {
    auto read = inner_->read(bytes, patience);
    if (read)
      traffic_.received_bytes += bytes;
    return read;
  }
  std::string complaint() override { return inner_->complaint(); }

private:
  std::unique_ptr<world::Channel> inner_;
  world::Traffic& traffic_;
};

} // namespace repo::backend
