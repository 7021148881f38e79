// Any bytes as belay.yaml: refused with a place, or a stack whose effective config is read back as
// the same stack. It never dies, and never takes long.

#include "config/config.hpp"
#include "sim/sim_world.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sim::SimWorld world;
  auto& files = world.ports().files;
  world.host.disk.write("/p/.env", "A=from-file\n");
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const config::Environment environment{{"A", "a"}, {"B", "${A}"}, {"EMPTY", ""}};
  const auto loaded = config::parse(files, text, "/p/belay.yaml", environment);
  if (!loaded) {
    CHECK(loaded.error().kind == base::ErrorKind::invalid_input);
    CHECK(!loaded.error().message.empty());
    return 0;
  }
  CHECK(!loaded.value().stack.services.empty());
  const std::string printed = config::render_effective(loaded.value());
  CHECK(!config::render_effective_json(loaded.value()).empty());
  bool is_whole = true; // what is hidden cannot be read back
  for (const auto& origin : loaded.value().origins)
    is_whole = is_whole && origin.value != "\"(hidden)\"";
  const auto again = config::parse(files, printed, "/p/belay.yaml", environment);
  if (!again) // it may have grown past the limit
    CHECK(printed.size() > (1U << 19U));
  else if (is_whole)
    CHECK(again.value().effective_digest == loaded.value().effective_digest);
  return 0;
}
