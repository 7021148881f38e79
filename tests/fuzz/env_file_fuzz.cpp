// Any bytes as an env_file: refused with a place, or variables with names.

#include "config/env_file.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  config::Scope outer;
  outer.layers.push_back({"env", {{"A", "a"}, {"HOME", "/root"}}});
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto variables = config::parse_env_file(text, ".env", outer);
  if (!variables) {
    CHECK(variables.error().kind == base::ErrorKind::invalid_input);
    return 0;
  }
  for (const auto& [name, value] : variables.value()) {
    CHECK(!name.empty());
    CHECK(value.size() <= (4U << 20U));
  }
  return 0;
}
