#pragma once
// HeldFiles: cron files that are kept from cron for the time of an operation. cron reads no file
// with a dot in its name, so one rename holds it, and one lets it go; both last beyond our end and
// a reboot. Source: cron(8), run-parts(8).

#include "domain/other_hands.hpp"
#include "world/world.hpp"

#include <string>
#include <vector>

namespace app {

class HeldFiles final : public domain::OtherHands {
public:
  HeldFiles(world::World world, std::vector<std::string> paths)
      : world_{world}, paths_{std::move(paths)} {}

  // conflict: the file and its held form are both there, and nothing is touched.
  base::Result<> hold() override;
  // One that somebody has made anew meanwhile stays, and the held one stays beside it.
  base::Result<> let_go() override;

private:
  world::World world_;
  std::vector<std::string> paths_;
};

std::string held_name(const std::string& path);

} // namespace app
